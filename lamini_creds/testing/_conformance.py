"""The conformance suite: what every provider has to do, checked against a server of its author's."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lamini_creds._options import option_types, schema
from lamini_creds._outcome import Outcome
from lamini_creds._provider import LocalProvider
from lamini_creds._registry import Registry
from lamini_creds.errors import ProviderUnavailable
from lamini_creds.testing._asking import KEY, NEXT_KEY, SHORT, TIMEOUT, asking_of
from lamini_creds.testing._child import told_by_child
from lamini_creds.testing._leaks import assert_no_leak
from lamini_creds.testing._start import told_at_start

if TYPE_CHECKING:
    from lamini_creds._outcome import Attempt
    from lamini_creds.testing._store import Store

_URL = "https://conformance.example.com/base"
_THREADS = 16
_TYPED = {"type", "anyOf", "enum", "const", "$ref"}


class ProviderConformance:
    """
    The checks: subclass it in a test module, and give it the fixture `store`.

    None of them may make the key show in a log record at any level, in output,
    in a warning, or in what is raised and reported; nor what `Store.logins` gives.

    For example::

        class TestAcme(ProviderConformance):
            @pytest.fixture
            def store(self, acme_server) -> Store:
                return AcmeStore(acme_server)

    Attributes:
        missing: The outcome where the place holds no secret: INVALID for what
            the user has named, MISS for a default place.
    """

    missing = Outcome.INVALID

    def test_found(self, store: Store) -> None:
        """A key that is stored is found, and its source is named."""
        store.put(KEY)
        with asking_of(store) as asking:
            credential = asking.resolver.resolve()

        assert credential.key == KEY, "another key was found than the one that is stored"
        assert store.provider == credential.provider, f"the key comes from {credential.provider}"
        assert credential.source, "the Secret names no source"

    def test_found_with_its_url(self, store: Store) -> None:
        """A URL that is stored with the key comes with it."""
        store.put(KEY, _URL)
        with asking_of(store) as asking:
            credential = asking.resolver.resolve()

        assert (credential.key, credential.url) == (KEY, _URL), f"the URL found is {credential.url}"

    def test_missing(self, store: Store) -> None:
        """What is not there is said to be missing: neither an empty key nor an outage."""
        store.put(KEY)
        store.remove()
        with asking_of(store) as asking:
            _expect(self.missing, asking.attempt())

    def test_denied(self, store: Store) -> None:
        """A refusal is DENIED: trying again would not help."""
        store.put(KEY)
        store.deny()
        with asking_of(store) as asking:
            _expect(Outcome.DENIED, asking.attempt())

    def test_unavailable(self, store: Store) -> None:
        """A store that is down is UNAVAILABLE, so that an older answer can stand in."""
        store.put(KEY)
        store.fail()
        with asking_of(store) as asking:
            _expect(Outcome.UNAVAILABLE, asking.attempt())

    def test_malformed(self, store: Store) -> None:
        """What can't be read as a secret is INVALID, never a key."""
        _corrupt(store)
        with asking_of(store) as asking:
            _expect(Outcome.INVALID, asking.attempt())

    def test_hang(self, store: Store) -> None:
        """A store that never answers is UNAVAILABLE when the entry's time is over, whether it or the chain says so."""
        store.put(KEY)
        store.hang()
        with asking_of(store, timeout=SHORT) as asking:
            _expect(Outcome.UNAVAILABLE, asking.attempt(), complete=False)

    def test_time_budget(self, store: Store) -> None:
        """A provider whose store never answers comes back by itself when `context.remaining()` is used up."""
        store.put(KEY)
        store.hang()
        with asking_of(store) as asking:
            asking.hurried()

    def test_failing_in_time_is_unavailable(self, store: Store) -> None:
        """What the provider raises when its time is used up is ProviderUnavailable."""
        store.put(KEY)
        store.hang()
        with asking_of(store) as asking:
            _expect_unavailable(asking.hurried())

    def test_dribble(self, store: Store) -> None:
        """A store that answers a byte at a time is no better: the time is one budget, not one for each read."""
        store.put(KEY)
        store.dribble()
        with asking_of(store) as asking:
            _expect_unavailable(asking.hurried())

    def test_rotation(self, store: Store) -> None:
        """A new key is found when the old one has been rejected: the provider keeps no answer of its own."""
        store.put(KEY)
        with asking_of(store) as asking:
            old = asking.resolver.resolve()
            with asking.heard.aside():
                store.put(NEXT_KEY)
            if not isinstance(asking.provider, LocalProvider):
                asking.resolver.invalidate(old)
            new = asking.resolver.resolve()

        assert (old.key, new.key) == (KEY, NEXT_KEY), "the old key is found again"

    def test_threads(self, store: Store) -> None:
        """One instance serves many threads at once."""
        store.put(KEY)
        with asking_of(store) as asking, ThreadPoolExecutor(_THREADS) as pool:
            together = threading.Barrier(_THREADS)
            asked = [pool.submit(asking.provided, together) for _ in range(_THREADS)]
            answers = {answer.result() for answer in asked}

        assert {KEY} == answers, f"{len(answers)} different answers"

    def test_fork(self, store: Store) -> None:
        """The child of a process that has asked already can ask too."""
        store.put(KEY)
        with asking_of(store) as asking:
            credential = asking.resolver.resolve()

            def ask() -> str:
                asking.resolver.invalidate(credential)
                return "found" if asking.resolver.resolve().key == KEY else "another key"

            told = told_by_child(ask, TIMEOUT)

        assert told == "found", f"the child tells: {told}"

    def test_nothing_leaks(self, store: Store) -> None:
        """Found, the key shows in nothing that is printed or reported, nor in the provider."""
        store.put(KEY)
        with asking_of(store) as asking:
            asking.attempt()
            asking.provided()

            assert_no_leak(KEY, asking.provider)

    def test_no_failure_leaks(self, store: Store) -> None:
        """Failed, it shows neither in the error nor in the locals of the provider's frames."""
        _corrupt(store)
        with asking_of(store) as asking:
            asking.failure()

    def test_quiet_logs(self, store: Store) -> None:
        """With the root logger at DEBUG, no record shows the key."""
        store.put(KEY)
        with asking_of(store) as asking:
            asking.resolver.resolve()

    def test_no_network_before_it_is_asked(self, store: Store) -> None:
        """Neither importing nor making the provider speaks to anybody, in whatever thread, or starts a program."""
        with asking_of(store) as asking:
            told = told_at_start(store.provider, store.options(), asking.environ, 3 * TIMEOUT)

        assert not told, told

    def test_options(self, store: Store) -> None:
        """The provider is a frozen dataclass with a docstring; each option has a type and a description."""
        provider = Registry().provider(store.provider)
        assert dataclasses.is_dataclass(provider), "it is no dataclass"
        assert vars(provider)["__dataclass_params__"].frozen, "its dataclass is not frozen"
        assert not (provider.__doc__ or f"{provider.__name__}(").startswith(f"{provider.__name__}("), "no docstring"

        described = schema(provider)["properties"] if option_types(provider) else {}
        silent = [name for name, option in described.items() if not option.get("description", "").strip()]
        assert not silent, f"options without a description: {', '.join(silent)}"
        untyped = [name for name, option in described.items() if not _TYPED & {*option}]
        assert not untyped, f"options whose type nothing can be checked against: {', '.join(untyped)}"


def _corrupt(store: Store) -> None:
    store.put(KEY)
    store.corrupt(f'{{"key": "{KEY}')


def _expect(outcome: Outcome, attempt: Attempt, *, complete: bool = True) -> None:
    """Compare outcomes; a failure says where, why and what to do."""
    assert outcome is attempt.outcome, f"expected {outcome}: {attempt.outcome}, {attempt}"
    if complete and outcome is not Outcome.MISS:
        _expect_all_parts(attempt)


def _expect_unavailable(error: BaseException | None) -> None:
    assert isinstance(error, ProviderUnavailable), f"it raises {type(error).__name__}"
    _expect_all_parts(error)


def _expect_all_parts(failure: Attempt | ProviderUnavailable) -> None:
    parts = {"place": failure.place, "reason": failure.reason, "remedy": failure.remedy}
    lacking = [part for part, text in parts.items() if not text]
    assert not lacking, f"the error has no {' and no '.join(lacking)}: {failure}"
