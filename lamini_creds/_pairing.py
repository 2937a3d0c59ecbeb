"""Which URL a key may go to (DESIGN.md, section 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence  # noqa: TC003  # a NamedTuple's annotations are looked at
from typing import TYPE_CHECKING

from lamini_creds import _url
from lamini_creds._outcome import Problem
from lamini_creds._value import Value
from lamini_creds.errors import CredentialError, PairingError, ProviderInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamini_creds._answer import Answer

HttpPolicy = _url.HttpPolicy | list[str]


class Rules(Value):
    """
    What the configuration says about pairing and failing, for one profile.

    Attributes:
        allow_origins: Origins that a key stored with another URL may go to.
        http: Where a key may go over plain http.
        continue_on: Outcomes after which the chain goes on.
    """

    allow_origins: Sequence[str] = ()
    http: HttpPolicy = "private"
    continue_on: frozenset[str] = frozenset()


class Pair(Value):
    """A URL that the key may go to, with its place and what should be said about it."""

    url: _url.Url
    place: str
    warning: str = ""


class Refusal(Value):
    """Why the key goes nowhere."""

    reason: str
    place: str
    remedy: str
    error: type[CredentialError] = ProviderInvalid


def pair(
    found: Answer,
    above: Sequence[Answer],
    nearest: Callable[[], Answer | None],
    *,
    profile: str,
    defaults: Mapping[str, str],
    rules: Callable[[], Rules],
) -> Pair | Refusal:
    """
    Choose the URL for a key, or refuse.

    Args:
        found: The answer with the key.
        above: The answers of higher places that have only a URL, nearest first.
        nearest: Looks for the profile's URL in the local places; an INVALID
            answer is one that can't be read.
        profile: The profile asked for.
        defaults: The service's URL of each profile.
        rules: Gives the configuration's; it is not read where nothing depends on it.
    """
    if found.url is None:
        chosen = _for_unbound(nearest(), profile, defaults)
    else:
        chosen = _for_bound(found, found.url, above, rules)
    return chosen if isinstance(chosen, Refusal) else _over_http(chosen, rules)


def _for_bound(found: Answer, url: _url.Url, above: Sequence[Answer], rules: Callable[[], Rules]) -> Pair | Refusal:
    """A stored key goes to the origin it is stored with; a higher place may choose the path."""
    higher = next((answer for answer in above if answer.url), None)
    if higher is None or higher.url is None:
        return Pair(url, found.url_place)
    if higher.url.origin == url.origin or higher.url.origin in map(_url.origin, rules().allow_origins):
        return Pair(higher.url, higher.url_place)
    return Refusal(
        f"the key of {found.place} was stored with another URL than {higher.url_place} names",
        "",
        "Give key and URL together in one place; or, if that server may have this key, list its origin in "
        "`allow_origins` of a trusted configuration.",
        PairingError,
    )


def _for_unbound(nearest: Answer | None, profile: str, defaults: Mapping[str, str]) -> Pair | Refusal:
    if nearest is not None and nearest.url is not None:
        return Pair(nearest.url, nearest.url_place)
    if nearest is not None:
        return Refusal(nearest.reason, nearest.place, nearest.remedy)
    if profile not in defaults:
        return Refusal(f"the profile '{profile}' has no URL", "", "Give one beside the key: only some have a default.")
    default = _url.parse(defaults[profile])
    if isinstance(default, Problem):
        return Refusal(default.reason, "the service's default", default.remedy)
    return Pair(default, "default")


def _over_http(chosen: Pair, rules: Callable[[], Rules]) -> Pair | Refusal:
    if chosen.url.stays_private:
        return chosen
    judged = _url.plain_http(chosen.url, rules().http)
    if isinstance(judged, Problem):
        return Refusal(judged.reason, chosen.place, judged.remedy)
    return chosen if judged is None else chosen.replace(warning=f"{chosen.place}: {judged}")
