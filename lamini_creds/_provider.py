"""The contract between the chain and a provider: what it is given, what it gives back."""

from __future__ import annotations

from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lamini_creds._service import LAMINI

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from pathlib import Path

    from lamini_creds._credential import Secret
    from lamini_creds._service import Service


class Context:
    """
    Everything ambient that a provider may look at, so that a test can set all of it.

    Args:
        environ: The environment variables.
        home: The home directory as an absolute path, or None where there is none.
        profile: The profile asked for.
        deadline: When the answer is due, by `time.monotonic()`.
        refresh: The caller wants what the place holds now, not a provider's own cache.
        service: Whose key is looked for.
        ambient: The profile is the ambient one: flat variables such as
            LAMINI_API_KEY speak for it, and for no other.
        warn: Takes a warning; each text is shown once.
    """

    __slots__ = ("_home", "_warn", "ambient", "deadline", "environ", "profile", "refresh", "service")

    def __init__(
        self,
        *,
        environ: Mapping[str, str] = MappingProxyType({}),
        home: Path | str | None = None,
        profile: str = "production",
        deadline: float = float("inf"),
        refresh: bool = False,
        service: Service = LAMINI,
        ambient: bool = True,
        warn: Callable[[str], object] | None = None,
    ) -> None:
        self.environ = environ
        self._home = home
        self.profile = profile
        self.deadline = deadline
        self.refresh = refresh
        self.service = service
        self.ambient = ambient
        self._warn = warn

    def __repr__(self) -> str:
        return f"<Context of {self.service.name}, profile {self.profile}>"

    @property
    def home(self) -> Path | None:
        """The home directory."""
        from pathlib import Path

        return None if self._home is None else Path(self._home)

    def remaining(self) -> float:
        """Give the seconds left until the answer is due; never negative, infinite without a deadline."""
        return max(0.0, self.deadline - monotonic())

    def within(self, seconds: float, *, refresh: bool) -> Context:
        """Give the same context with a deadline of its own, so many seconds from now."""
        return Context(
            environ=self.environ,
            home=self._home,
            profile=self.profile,
            deadline=monotonic() + seconds,
            refresh=refresh,
            service=self.service,
            ambient=self.ambient,
            warn=self._warn,
        )

    def warn(self, message: str) -> None:
        """
        Tell the user, once, of something that works but should be mended.

        Args:
            message: What, where and the remedy; never a value that was read.
        """
        if self._warn is not None:
            self._warn(message)


@runtime_checkable
class CredentialProvider(Protocol):
    """
    Knows one kind of place. A frozen dataclass whose fields are its options.

    A class without `state` is *remote*: it is asked in a thread of its own,
    under a timeout, and its answer is reused for the entry's `ttl`.
    """

    def provide(self, context: Context) -> Secret | None:
        """
        Look the secret up.

        Returns:
            What the place holds, or None where there is nothing.

        Raises:
            ProviderDenied: The store refuses this secret.
            ProviderUnavailable: No answer from the store, or no login for it.
            ProviderInvalid: What is there can't be used. Any other exception
                counts as this one, without its text.
        """
        ...


@runtime_checkable
class LocalProvider(CredentialProvider, Protocol):
    """
    Looks at a place so near that a look at every call is cheap: variables, files.

    It is asked in the caller's thread, and its answer is reused only while
    `state` stays the same.
    """

    def state(self, context: Context) -> Hashable:
        """Give a cheap token of the place, taken before `provide`: it differs whenever the answer might."""
        ...
