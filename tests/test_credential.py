"""What a key may be, and that Credential and Secret show none."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini_creds._credential import BLANKS, Credential, Hidden, Secret, parse_key
from lamini_creds._outcome import Problem
from lamini_creds._url import Url, parse
from lamini_creds.testing import assert_no_leak

KEY = "test-key-0123456789"
LEFT, RIGHT = "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"
SCHEMES, HOSTS, PORTS = ("http", "https"), ("a.example", "b.example", "a.example.", "localhost"), (80, 443, 8000)
ORIGINS = st.builds(Url, st.sampled_from(SCHEMES), st.sampled_from(HOSTS), st.sampled_from(PORTS), st.just(""))


def credential(key: str = KEY, url: str = "https://api.lamini.ai/v1", **details: str) -> Credential:
    parsed = parse(url)
    assert isinstance(parsed, Url)
    given = {"provider": "env", "source": "LAMINI_API_KEY", "url_source": "default", "profile": "production"}
    return Credential(Hidden(key), parsed, **(given | details))  # type: ignore[arg-type]  # only texts are varied


def problem(raw: object) -> Problem:
    judged = parse_key(raw)
    assert isinstance(judged, Problem), "the key was taken"
    return judged


def value(raw: str) -> str:
    judged = parse_key(raw)
    assert isinstance(judged, Hidden), judged
    return judged.value


@pytest.mark.parametrize("raw", [KEY, f"  {KEY}\t", f"{KEY}\n", f"\r\n{KEY}\r\n", f"\v\f{KEY} "], ids=repr)
def test_outer_blanks(raw: str) -> None:
    """Blanks around a key are trimmed."""
    assert value(raw) == KEY


@pytest.mark.parametrize("raw", [None, "", " ", BLANKS], ids=repr)
def test_blank(raw: str | None) -> None:
    """Nothing but blanks is no key, and no problem."""
    assert parse_key(raw) is None


@pytest.mark.parametrize(
    "raw", ["a", "12345", "a'b", 'a"', "a<b>", "***", "$x{y}", "Bearer1", "sk_~!#%&()+,-./:;=?@[]^|", "a" * 16384]
)
def test_odd_but_fine(raw: str) -> None:
    """Printable ASCII is a key, up to 16 KiB."""
    assert raw == value(raw)


@pytest.mark.parametrize(
    ("raw", "words", "hint"),
    [
        pytest.param(f"'{KEY}'", "quotes", "Take the quotes away", id="single-quotes"),
        pytest.param(f'"{KEY}"', "quotes", "Take the quotes away", id="double-quotes"),
        pytest.param(f"`{KEY}`", "quotes", "Take the quotes away", id="back-ticks"),
        pytest.param(f"{LEFT}{KEY}{RIGHT}", "quotes", "Take the quotes away", id="typographic-quotes"),
        pytest.param(f"Bearer {KEY}", "header", "without 'Bearer'", id="bearer"),
        pytest.param(f"bearer {KEY}", "header", "without 'Bearer'", id="bearer-in-small-letters"),
        pytest.param("Bearer ", "header", "without 'Bearer'", id="bearer-of-nothing"),
        pytest.param(f"Authorization: Bearer {KEY}", "header", "without 'Bearer'", id="whole-header"),
        pytest.param("<YOUR-LAMINI-API-KEY>", "angle brackets", "Put the real key", id="placeholder"),
        pytest.param("test-****-6789", "masked", "not its masked form", id="masked"),
        pytest.param("****************", "masked", "not its masked form", id="all-masked"),
        pytest.param("${LAMINI_API_KEY}", "nothing filled in", "not expanded", id="variable"),
        pytest.param("test-${SUFFIX}", "nothing filled in", "not expanded", id="variable-inside"),
        pytest.param("a" * 16385, "longer than 16 KiB", "whole file", id="too-long"),
    ],
)
def test_lookalike(raw: str, words: str, hint: str) -> None:
    """What only looks like a key is refused, with a hint of its own."""
    judged = problem(raw)

    assert (True, True) == (words in judged.reason, hint in judged.remedy)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param("test key", "character 5 of the key is a blank", id="blank"),
        pytest.param("test\tkey", "character 5 of the key is a blank", id="tab"),
        pytest.param("test\nkey", "character 5 of the key is a blank", id="newline"),
        pytest.param("  test\r\nkey", "character 5 of the key is a blank", id="counted-after-trimming"),
        pytest.param("test-\0", "character 6 of the key is a control character", id="nul"),
        pytest.param("\x1b[31mtest", "character 1 of the key is a control character", id="escape"),
        pytest.param("test\x7fkey", "character 5 of the key is a control character", id="delete"),
        pytest.param("t\u00e9st", "character 2 of the key is not ASCII", id="accent"),
        pytest.param("\ufefftest", "character 1 of the key is not ASCII", id="byte-order-mark"),
        pytest.param("test\u00a0", "character 5 of the key is not ASCII", id="no-break-space-at-the-end"),
        pytest.param("test\u200bkey", "character 5 of the key is not ASCII", id="zero-width-space"),
        pytest.param("test\udcff", "character 5 of the key is not ASCII", id="undecodable-byte"),
    ],
)
def test_bad_character(raw: str, reason: str) -> None:
    """The position and the kind of a bad character are named, not the character."""
    assert reason == problem(raw).reason


@pytest.mark.parametrize("raw", [5, 1.5, True, b"test-key", ["test-key"], {"key": "test-key"}], ids=repr)
def test_no_text(raw: object) -> None:
    """A key that is no text is refused by its type."""
    assert f"the key is of type {type(raw).__name__}, not text" == problem(raw).reason


def test_subclass_of_text() -> None:
    """A text of a class of its own becomes plain text, whose repr is nobody's surprise."""
    judged = parse_key(type("Loud", (str,), {"strip": lambda *_: "another"})(KEY))

    assert isinstance(judged, Hidden)
    assert (str, KEY) == (type(judged.value), judged.value)


@given(st.text())
def test_parse_key_never_raises(raw: str) -> None:
    """Any text is a key, a problem, or blank."""
    assert isinstance(parse_key(raw), (Hidden, Problem, type(None)))


@given(st.text(min_size=12), st.characters(exclude_categories=["Zs"]))
def test_problem_never_repeats_the_key(raw: str, extra: str) -> None:
    """A refused key is in no word of its refusal."""
    judged = parse_key(f"{raw}{extra}\N{SNOWMAN}")

    assert isinstance(judged, Problem)
    assert raw not in f"{judged}"


@pytest.mark.parametrize(
    "held", [credential(), Secret(KEY, url="https://a.example", source="vault"), Hidden(KEY)], ids=repr
)
def test_shows_no_key(held: object) -> None:
    """Nothing that a value with a key shows of itself has the key in it."""
    assert_no_leak(KEY, held, [held], {"held": held}, f"{held!r:>100}")


@pytest.mark.parametrize("held", [credential(), Secret(KEY), Hidden(KEY)], ids=repr)
def test_copies(held: object) -> None:
    """A copy is the very same object: there is no second one to keep safe."""
    assert (held, held) == (copy.copy(held), copy.deepcopy([held])[0])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("held", [credential(), Secret(KEY), Hidden(KEY)], ids=repr)
def test_pickle(held: object, protocol: int) -> None:
    """Pickling is refused, by every protocol, and says what to do instead."""
    with pytest.raises(TypeError, match=r"never pickled.*resolve_credentials\(\) in the process") as caught:
        pickle.dumps(held, protocol)

    assert_no_leak(KEY, caught.value)


@pytest.mark.parametrize("held", [credential(), Secret(KEY), Hidden(KEY)], ids=repr)
def test_state(held: object) -> None:
    """The state that serializers ask for is refused too."""
    with pytest.raises(TypeError, match="never pickled"):
        held.__getstate__()


@pytest.mark.parametrize("held", [credential(), Secret(KEY)], ids=repr)
def test_json(held: object) -> None:
    """JSON does not know what to do with it."""
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(held)


@pytest.mark.parametrize("name", ["key", "url", "origin", "unheard_of"])
@pytest.mark.parametrize("held", [credential(), Secret(KEY, url="https://a.example")], ids=repr)
def test_immutable(held: object, name: str) -> None:
    """No attribute can be set, and the refusal does not say to what."""
    with pytest.raises(AttributeError, match=f"{name} can't be set") as caught:
        setattr(held, name, KEY)

    assert_no_leak(KEY, str(caught.value))


@pytest.mark.parametrize("held", [credential(), Secret(KEY)], ids=repr)
def test_not_deletable(held: object) -> None:
    """No attribute can be deleted."""
    with pytest.raises(AttributeError, match="key can't be deleted"):
        del held.key  # type: ignore[attr-defined]  # both have one


@pytest.mark.parametrize("held", [credential(), Secret(KEY), Hidden(KEY)], ids=repr)
def test_no_dict(held: object) -> None:
    """There is no `vars` to print."""
    assert not hasattr(held, "__dict__")


def test_repr() -> None:
    """A credential prints as what may be known of it."""
    found = credential()

    assert (
        f"<Credential {found.fingerprint} for https://api.lamini.ai/v1 from env (LAMINI_API_KEY), profile production>"
        == repr(found)
    )


@pytest.mark.parametrize(
    ("secret", "printed"),
    [
        pytest.param(
            Secret(KEY, url="https://a.example", source="vault"), "<Secret with key and url from 'vault'>", id="both"
        ),
        pytest.param(Secret(KEY), "<Secret with key from ''>", id="key"),
        pytest.param(Secret(url="https://a.example", source="x"), "<Secret with url from 'x'>", id="url"),
        pytest.param(Secret(), "<Secret with nothing from ''>", id="nothing"),
    ],
)
def test_repr_of_secret(secret: Secret, printed: str) -> None:
    """A secret prints as what it has, not what that is."""
    assert printed == repr(secret)


def test_url_source_is_the_source() -> None:
    """The URL's place is the key's, unless it is given."""
    assert ("vault", "other") == (
        Secret(source="vault").url_source,
        Secret(source="vault", url_source="other").url_source,
    )


def test_fingerprint() -> None:
    """The fingerprint is the first 8 hex digits of SHA-256 over key and origin."""
    assert sha256(f"{KEY}\nhttps://api.lamini.ai".encode()).hexdigest()[:8] == credential().fingerprint


def test_fingerprint_tells_apart() -> None:
    """Another key or another origin has another fingerprint; another path has the same."""
    prints = [
        credential().fingerprint,
        credential("test-key-other-one").fingerprint,
        credential(url="https://b.example/v1").fingerprint,
    ]

    assert (3, prints[0]) == (len({*prints}), credential(url="https://api.lamini.ai/v2").fingerprint)


def test_details() -> None:
    """A credential tells where it is from, where it may go and until when."""
    until = datetime(2099, 1, 1, tzinfo=UTC)
    found = Credential(
        Hidden(KEY), Url("https", "a.example", 8443, "/v1"), provider="aws:eu", source="prod/lamini", url_source="tag",
        profile="staging", version="7", expires_at=until,
    )  # fmt: skip

    assert (
        KEY, "https://a.example:8443/v1", "https://a.example:8443", "aws:eu", "prod/lamini", "tag", "staging", "7", until,
    ) == (
        found.key, found.url, found.origin, found.provider, found.source, found.url_source, found.profile, found.version,
        found.expires_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("own", "asked", "expected"),
    [
        pytest.param({}, {}, {"Authorization": f"Bearer {KEY}"}, id="default"),
        pytest.param({"header": "X-Api-Key", "scheme": ""}, {}, {"X-Api-Key": KEY}, id="the-services-own"),
        pytest.param({}, {"header": "X-Api-Key"}, {"X-Api-Key": KEY}, id="another-header"),
        pytest.param({}, {"scheme": "Token"}, {"Authorization": f"Token {KEY}"}, id="another-scheme"),
        pytest.param({}, {"scheme": ""}, {"Authorization": KEY}, id="no-scheme"),
        pytest.param({}, {"header": "X-Key", "scheme": "Key"}, {"X-Key": f"Key {KEY}"}, id="both"),
    ],
)
def test_headers(own: dict[str, str], asked: dict[str, str], expected: dict[str, str]) -> None:
    """The header and its scheme are the service's, or those asked for."""
    assert expected == credential(**own).headers(**asked)


def test_headers_are_new_each_time() -> None:
    """Changing the dict changes nobody else's."""
    found = credential()
    found.headers().clear()

    assert [*found.headers()] == ["Authorization"]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        pytest.param("https://api.lamini.ai", True, id="same"),
        pytest.param("https://api.lamini.ai/other/path?x=1#y", True, id="another-path"),
        pytest.param("https://API.LAMINI.AI:443/v1", True, id="written-otherwise"),
        pytest.param("http://api.lamini.ai/v1", False, id="another-scheme"),
        pytest.param("https://api.lamini.ai:8443/v1", False, id="another-port"),
        pytest.param("https://api.lamini.ai.evil.example/v1", False, id="as-a-prefix"),
        pytest.param("https://evil.example/https://api.lamini.ai", False, id="in-the-path"),
        pytest.param("https://api.lamini.ai@evil.example", False, id="as-userinfo"),
        pytest.param("https://evil.example\\@api.lamini.ai", False, id="after-a-backslash"),
        pytest.param("https://api.lamini.ai.", False, id="root-dot"),
        pytest.param("/v1/completions", False, id="relative"),
        pytest.param("", False, id="empty"),
    ],
)
def test_allows(url: str, allowed: bool) -> None:  # a parameter of the test
    """A request may carry the key to the credential's origin alone."""
    assert allowed is credential().allows(url)


@given(bound=ORIGINS, asked=ORIGINS, path=st.sampled_from(("", "/", "/v1", "?q", "#f", "/@localhost:80")))
def test_allows_no_other_origin(bound: Url, asked: Url, path: str) -> None:
    """It is allowed exactly where scheme, host and port are the same."""
    url = f"{asked.scheme}://{asked.host}:{asked.port}{path}"

    assert (bound == asked) is credential(url=bound.text).allows(url)
