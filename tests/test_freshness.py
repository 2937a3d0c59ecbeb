"""The ages of a store's answer, by a clock that the test holds."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from lamini_creds._answer import Answer
from lamini_creds._clock import Moment
from lamini_creds._credential import Hidden
from lamini_creds._freshness import History, Timing
from lamini_creds._outcome import Outcome
from lamini_creds.testing import FakeClock

FOUND = Answer(Outcome.FOUND, key=Hidden("test-key"))
MISS = Answer(Outcome.MISS)
DOWN = Answer(Outcome.UNAVAILABLE, reason="is down")


class Story:
    """A history with its clock."""

    def __init__(self, timing: Timing | None = None, continue_on: frozenset[str] = frozenset()) -> None:
        self.clock = FakeClock()
        self.history = History(timing or Timing(), continue_on)

    @property
    def now(self) -> Moment:
        return Moment(self.clock)

    def add(self, answer: Answer, after: float = 0.0) -> None:
        self.clock.advance(after)
        self.history.add(answer, self.now)

    def known(self, after: float = 0.0) -> Answer | None:
        self.clock.advance(after)
        return self.history.known(self.now)

    def due(self, after: float = 0.0) -> bool:
        self.clock.advance(after)
        return self.history.due(self.now)


def test_nothing_is_known_at_first() -> None:
    """Before the first call there is nothing to give, and nothing to ask for in the background."""
    story = Story()

    assert (None, False) == (story.known(), story.due())


def test_fresh_until_ttl() -> None:
    """An answer is given for its ttl and not a moment longer."""
    story = Story()
    story.add(FOUND)

    assert (FOUND, None) == (story.known(after=299.9), story.known(after=0.1))


def test_refresh_is_due_from_80_percent() -> None:
    """The background refresh is due between 80 and 88 % of the life."""
    story = Story()
    story.add(FOUND)

    assert (False, True) == (story.due(after=239.9), story.due(after=24.2))


def test_refreshes_are_spread() -> None:
    """Processes that started together do not refresh together."""
    stories = [Story() for _ in range(50)]
    for story in stories:
        story.add(FOUND)

    assert 20 < len({story.history.settled_for(story.now, calling=False) for story in stories})


@pytest.mark.parametrize(("ttl", "life"), [(300.0, 30.0), (10.0, 10.0)])
def test_a_miss_lives_30_seconds_at_most(ttl: float, life: float) -> None:
    """A remote miss is kept for 30 s, or the ttl where that is less."""
    story = Story(Timing(ttl=ttl))
    story.add(MISS)

    assert (MISS, None) == (story.known(after=life - 0.1), story.known(after=0.1))


def test_a_ttl_of_zero_is_never_fresh() -> None:
    """With `ttl = 0` every call goes to the store."""
    story = Story(Timing(ttl=0.0))
    story.add(FOUND)

    assert (None, 0.0) == (story.known(), story.history.settled_for(story.now, calling=False))


def test_a_failure_is_kept_1_to_5_seconds() -> None:
    """The first failure is shared for at least 1 s, and asked about again after 5 s."""
    story = Story()
    story.add(DOWN)

    assert (DOWN, None) == (story.known(after=0.99), story.known(after=4.02))


def test_stale_stands_in_while_unavailable() -> None:
    """Past its life an answer is given at once if the last call was UNAVAILABLE."""
    story = Story()
    story.add(FOUND)
    story.add(DOWN, after=290)

    assert FOUND == story.known(after=3600)


def test_no_stale_without_a_failed_call() -> None:
    """After a long pause without calls the old answer is not given: the store is asked."""
    story = Story()
    story.add(FOUND)

    assert story.known(after=3600) is None


def test_stale_ends_with_max_stale() -> None:
    """An old answer stands in for `max_stale` after its life, and no longer."""
    story = Story(Timing(max_stale=1000))
    story.add(FOUND)
    story.add(DOWN, after=290)

    assert (FOUND, None) == (story.known(after=1009.9), story.known(after=0.1))


@pytest.mark.parametrize("outcome", [Outcome.DENIED, Outcome.INVALID, Outcome.UNSUPPORTED])
def test_other_failures_end_a_stale_answer(outcome: Outcome) -> None:
    """A store that answers, and refuses, ends the old answer at once."""
    story = Story()
    story.add(FOUND)
    story.add(DOWN, after=290)
    story.add(Answer(outcome), after=100)

    assert Answer(outcome) == story.known()


def test_never_past_expires_at() -> None:
    """A key's own end is the end of its life and of its standing in."""
    story = Story()
    ends = datetime.fromtimestamp(story.now.time + 100, UTC)
    story.add(FOUND.replace(expires_at=ends))
    story.add(DOWN, after=99)

    assert (ends, None) == (getattr(story.known(), "expires_at", None), getattr(story.known(after=6), "key", None))


def test_a_clock_set_forward_ends_the_life() -> None:
    """The wall clock counts too: a suspended machine wakes up with old answers."""
    story = Story()
    story.add(FOUND)
    story.clock.jump(300)

    assert story.known() is None


def test_a_clock_set_back_does_not_prolong_the_life() -> None:
    """The monotonic clock counts too."""
    story = Story()
    story.add(FOUND)
    story.clock.jump(-3600)

    assert (FOUND, None) == (story.known(after=299), story.known(after=1))


def retries(number: int) -> list[float]:
    """Give the seconds from each failure of an outage to the next call."""
    story = Story()
    story.add(FOUND)
    story.add(DOWN, after=400)
    waits = []
    for _ in range(number):
        waits.append(story.history.settled_for(story.now, calling=False))
        story.add(DOWN, after=waits[-1])
    return waits


def test_retries_begin_after_5_to_10_seconds_and_come_every_10() -> None:
    """During an outage the store is asked again after 5 to 10 s, then about every 10 s."""
    first, *later = retries(20)

    assert (True, True) == (5.0 <= first <= 10.0, all(9.9 <= wait <= 10.0 for wait in later))


def test_an_outage_of_10_minutes_has_60_retries_at_most() -> None:
    """However the times of the retries fall, there are not more of them."""
    counted = set()
    for _ in range(20):
        ends = itertools.accumulate(retries(70))
        counted.add(sum(end <= 600 for end in ends))

    assert {59, 60} >= counted


def test_retries_are_spread() -> None:
    """Processes that saw the store go down together do not come back together."""
    firsts, seconds = zip(*(retries(2) for _ in range(50)), strict=True)

    assert (True, True) == (4 < max(firsts) - min(firsts), 40 < len({*seconds}))


def test_failures_are_spread() -> None:
    """Processes that failed at their start do not ask again together."""
    lives = set()
    for _ in range(50):
        story = Story()
        story.add(DOWN)
        lives.add(story.history.freshness(story.now).next_attempt or 0.0)

    assert (True, True, True) == (1.0 <= min(lives), max(lives) <= 5.0, 3 < max(lives) - min(lives))


def test_report_of_a_first_call_that_failed() -> None:
    """The report tells when a caller may ask the store again: nobody does behind the callers' backs."""
    story = Story()
    story.add(DOWN)
    told = story.history.freshness(story.now).next_attempt or 0.0

    assert (DOWN, None) == (story.known(after=told - 0.01), story.known(after=0.02))


def test_where_the_chain_goes_on_a_failure_is_known_for_good() -> None:
    """Nobody waits for a failed entry again while a lower one answers; it is retried behind."""
    story = Story(continue_on=frozenset({"unavailable"}))
    story.add(DOWN)

    assert (DOWN, True) == (story.known(after=60), story.due())


def test_success_ends_a_failure() -> None:
    """An answer after failures is as fresh as the first, and the retries start over."""
    story = Story()
    story.add(DOWN)
    story.add(FOUND, after=10)

    assert (FOUND, False) == (story.known(), story.due())


def test_report_while_fresh() -> None:
    """The report tells what is left of the life and when the store is asked again."""
    story = Story()
    story.add(FOUND)
    story.clock.advance(100)
    told = story.history.freshness(story.now)

    assert (200.0, None, None) == (told.fresh_for, told.stale_for, told.last_error)
    assert told.next_attempt is not None
    assert 140 <= told.next_attempt <= 164


def test_report_while_stale() -> None:
    """The report tells since when an answer is stale, and why."""
    story = Story()
    story.add(FOUND)
    story.add(DOWN, after=290)
    story.clock.advance(40)
    told = story.history.freshness(story.now)

    assert (None, 30.0, "unavailable: is down") == (told.fresh_for, told.stale_for, told.last_error)


def test_a_miss_is_no_stale_value() -> None:
    """That a store had no key does not stand in for its answer when it is unavailable."""
    story = Story()
    story.add(MISS)
    story.add(DOWN, after=30.0)

    assert (DOWN, None) == (story.known(), story.known(after=5.0))


@pytest.mark.parametrize(
    ("answers", "continue_on", "expected"),
    [
        ([DOWN, DOWN, FOUND], frozenset(), [None, None, None]),
        ([FOUND, DOWN, DOWN, FOUND], frozenset(), [None, "outage_began", None, "outage_ended"]),
        ([DOWN, DOWN, FOUND], frozenset({"unavailable"}), ["outage_began", None, "outage_ended"]),
    ],
    ids=["never answered", "answered", "passed over"],
)
def test_what_is_raised_is_no_outage_besides(
    answers: list[Answer], continue_on: frozenset[str], expected: list[str | None]
) -> None:
    """A place that has not answered yet ends the search with an error, which says it; only what goes on is told of."""
    history = History(Timing(), continue_on)

    assert expected == [history.outage(answer) for answer in answers]
