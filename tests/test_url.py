"""What `_url` takes, what it refuses, and that no other parser sees another server in what it takes."""

from __future__ import annotations

from ipaddress import IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lamini_creds._outcome import Problem
from lamini_creds._url import Url, is_private, origin, parse, plain_http

PIECES = (
    "http", "https", "HTTPS", "ftp", "://", ":", "//", "/", "\\", "@", "?", "#", "%", "%2f", "%00", "[", "]", "::", "::1",
    ".", "..", "-", "_", "0", "1", "80", "443", "0x7f", "0177", "127.0.0.1", "256", "65535", "65536", "localhost",
    "example.com", "xn--fiqs8s", "a", "Z", " ", "\t", "\n", "\0", "\x7f", "\u00e9", "\u3002", "\uff0f", "\ufe55", "'", '"', "<", "{", ";", "&", "=",
)  # fmt: skip
JUMBLED = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
HOSTS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,8}(\.[A-Za-z0-9_-]{1,8}){0,3}\.?", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.ip_addresses(v=6).map(lambda address: f"[{address.exploded.upper()}]"),
    st.sampled_from(
        ("localhost", "api.lamini.ai", "box.local", "XN--FIQS8S.com", "127.1", "[::ffff:1.2.3.4]", "[1.2.3.4]")
    ),
)
PORTS = st.one_of(st.just(""), st.integers(0, 70000).map(lambda port: f":{port}"))
PATHS = st.sampled_from(
    ("", "/", "/v1", "/v1/", "//evil.example", "/a@b:1", "/%2e%2e/x", "/;x", "/'\"<>^`{|}", "/a:80/@x")
)
BUILT = st.builds(
    "{}{}{}{}".format, st.sampled_from(("http://", "https://", "HTTPS://", "hTTp://", "")), HOSTS, PORTS, PATHS
)
ANY = st.one_of(st.text(), JUMBLED, BUILT)


def taken(raw: str) -> Url:
    parsed = parse(raw)
    assert isinstance(parsed, Url), parsed
    return parsed


def reason(raw: str) -> str:
    parsed = parse(raw)
    assert isinstance(parsed, Problem), parsed
    return parsed.reason


def host_of(text: str) -> object:
    return IPv6Address(text.strip("[]")) if ":" in text else text.lower()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param("https://api.lamini.ai", "https://api.lamini.ai", id="plain"),
        pytest.param("https://api.lamini.ai/", "https://api.lamini.ai", id="slash"),
        pytest.param("https://api.lamini.ai///", "https://api.lamini.ai", id="slashes"),
        pytest.param("https://api.lamini.ai/v1/", "https://api.lamini.ai/v1", id="base-path"),
        pytest.param("https://api.lamini.ai/Team/v1", "https://api.lamini.ai/Team/v1", id="path-keeps-its-case"),
        pytest.param("HTTPS://API.Lamini.AI", "https://api.lamini.ai", id="scheme-and-host-in-capitals"),
        pytest.param("https://api.lamini.ai:443", "https://api.lamini.ai", id="default-port-of-https"),
        pytest.param("http://localhost:80", "http://localhost", id="default-port-of-http"),
        pytest.param("https://api.lamini.ai:80", "https://api.lamini.ai:80", id="default-port-of-the-other-scheme"),
        pytest.param("https://api.lamini.ai:65535", "https://api.lamini.ai:65535", id="last-port"),
        pytest.param("https://xn--fiqs8s.example", "https://xn--fiqs8s.example", id="idn"),
        pytest.param("https://a_b.example", "https://a_b.example", id="underscore"),
        pytest.param("https://api.lamini.ai.", "https://api.lamini.ai.", id="root-dot"),
        pytest.param("https://8.8.8.8:8443", "https://8.8.8.8:8443", id="ipv4"),
        pytest.param("https://[::1]", "https://[::1]", id="ipv6"),
        pytest.param("https://[2001:DB8:0:0::0:1]:8443/v1", "https://[2001:db8::1]:8443/v1", id="ipv6-made-canonical"),
        pytest.param("localhost:8000", "http://localhost:8000", id="no-scheme-loopback"),
        pytest.param("127.0.0.1:5001", "http://127.0.0.1:5001", id="no-scheme-loopback-address"),
        pytest.param("[::1]:5001", "http://[::1]:5001", id="no-scheme-loopback-ipv6"),
        pytest.param("gpu-box:8000/v1", "http://gpu-box:8000/v1", id="no-scheme-single-label"),
        pytest.param("192.168.1.4:8000", "http://192.168.1.4:8000", id="no-scheme-private-address"),
        pytest.param("lamini.cluster.local:80", "http://lamini.cluster.local", id="no-scheme-private-name"),
        pytest.param("llm.example.com:8000", "https://llm.example.com:8000", id="no-scheme-public-name"),
        pytest.param("8.8.8.8:443", "https://8.8.8.8", id="no-scheme-public-address"),
    ],
)
def test_taken(raw: str, text: str) -> None:
    """A good URL is taken and normalised."""
    assert text == taken(raw).text


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param("", "host or port can't be read", id="empty"),
        pytest.param("https://", "host or port can't be read", id="no-host"),
        pytest.param("https:///v1", "host or port can't be read", id="three-slashes"),
        pytest.param("https:/api.lamini.ai", "host or port can't be read", id="one-slash"),
        pytest.param("https:443", "host or port can't be read", id="scheme-and-port-alone"),
        pytest.param("//api.lamini.ai", "host or port can't be read", id="no-scheme-but-slashes"),
        pytest.param("mailto:someone", "host or port can't be read", id="mailto"),
        pytest.param("https://api.lamini.ai:", "host or port can't be read", id="colon-without-port"),
        pytest.param("https://api.lamini.ai:0", "host or port can't be read", id="port-0"),
        pytest.param("https://api.lamini.ai:080", "host or port can't be read", id="port-with-leading-zero"),
        pytest.param("https://api.lamini.ai:80:80", "host or port can't be read", id="two-ports"),
        pytest.param("https://api.lamini.ai:-1", "host or port can't be read", id="negative-port"),
        pytest.param("https://api.lamini.ai:65536", "over 65535", id="port-65536"),
        pytest.param("https://api.lamini.ai:443a", "host or port can't be read", id="port-with-a-letter"),
        pytest.param("ftp://api.lamini.ai", "neither http nor https", id="ftp"),
        pytest.param("httpss://api.lamini.ai", "neither http nor https", id="misspelt-scheme"),
        pytest.param("api.lamini.ai", "no scheme and no port", id="bare-name"),
        pytest.param("localhost", "no scheme and no port", id="bare-localhost"),
        pytest.param("api.lamini.ai/v1:80", "no scheme and no port", id="port-in-the-path"),
        pytest.param("test-key-1234", "no scheme and no port", id="a-key"),
        pytest.param("test.key-1234.abc", "no scheme and no port", id="a-key-with-dots"),
        pytest.param("https://user@api.lamini.ai", "user name or password", id="user"),
        pytest.param("https://user:word@api.lamini.ai", "user name or password", id="user-and-password"),
        pytest.param("https://api.lamini.ai@evil.example", "user name or password", id="host-as-user"),
        pytest.param("https://@api.lamini.ai", "user name or password", id="empty-user"),
        pytest.param("user@localhost:8000", "user name or password", id="user-without-scheme"),
        pytest.param("https://api.lamini.ai?x=1", "query or a fragment", id="query"),
        pytest.param("https://api.lamini.ai/?", "query or a fragment", id="empty-query"),
        pytest.param("https://api.lamini.ai#", "query or a fragment", id="empty-fragment"),
        pytest.param("https://evil.example#@api.lamini.ai", "query or a fragment", id="fragment-before-host"),
        pytest.param("https://evil.example\\@api.lamini.ai", "character 21", id="backslash"),
        pytest.param("https://api.lamini.ai /v1", "character 22", id="blank"),
        pytest.param(" https://api.lamini.ai", "character 1 ", id="leading-blank"),
        pytest.param("https://api.lamini.ai\n", "character 22", id="newline"),
        pytest.param("https://api.\tlamini.ai", "character 13", id="tab-inside"),
        pytest.param("https://api.lamini.ai\0", "character 22", id="nul"),
        pytest.param("https://api.lamini.ai\x7f", "character 22", id="delete"),
        pytest.param("https://api.lamini\u3002ai", "character 19", id="ideographic-full-stop"),
        pytest.param("https://\u0430pi.lamini.ai", "character 9 ", id="cyrillic-a"),
        pytest.param("https://api.lamini.ai\uff0fx", "character 22", id="full-width-slash"),
        pytest.param("https://api.lamini.ai\udc80", "character 22", id="lone-surrogate"),
        pytest.param("https://127.1", "odd form of an IPv4", id="ipv4-of-two-parts"),
        pytest.param("https://2130706433", "odd form of an IPv4", id="ipv4-as-one-number"),
        pytest.param("https://0x7f000001", "odd form of an IPv4", id="ipv4-in-hex"),
        pytest.param("https://0x7f.0.0.1", "odd form of an IPv4", id="ipv4-with-a-hex-part"),
        pytest.param("https://127.0.0.0x1", "odd form of an IPv4", id="ipv4-with-a-hex-end"),
        pytest.param("https://example.0x", "odd form of an IPv4", id="empty-hex"),
        pytest.param("https://0177.0.0.1", "odd form of an IPv4", id="ipv4-in-octal"),
        pytest.param("https://127.0.0.01", "odd form of an IPv4", id="ipv4-with-leading-zero"),
        pytest.param("https://127.0.0.1.", "odd form of an IPv4", id="ipv4-with-root-dot"),
        pytest.param("https://256.0.0.1", "odd form of an IPv4", id="ipv4-part-256"),
        pytest.param("https://1.2.3.4.5", "odd form of an IPv4", id="ipv4-of-five-parts"),
        pytest.param("https://example.1", "odd form of an IPv4", id="name-ending-in-a-number"),
        pytest.param("https://-a.example", "not a host name", id="leading-hyphen"),
        pytest.param("https://a-.example", "not a host name", id="trailing-hyphen"),
        pytest.param("https://a..example", "not a host name", id="empty-label"),
        pytest.param("https://.example", "not a host name", id="leading-dot"),
        pytest.param("https://example..", "not a host name", id="two-root-dots"),
        pytest.param(f"https://{'a' * 64}.example", "not a host name", id="long-label"),
        pytest.param(f"https://{'.'.join(['a' * 60] * 5)}", "not a host name", id="long-name"),
        pytest.param("https://a%2eexample", "host or port can't be read", id="escape-in-host"),
        pytest.param("https://a,b", "host or port can't be read", id="comma-in-host"),
        pytest.param("https://[::1", "host or port can't be read", id="open-bracket"),
        pytest.param("https://::1", "host or port can't be read", id="ipv6-without-brackets"),
        pytest.param("https://[fe80::1%25eth0]", "host or port can't be read", id="ipv6-zone"),
        pytest.param("https://[::1]x", "host or port can't be read", id="text-after-bracket"),
        pytest.param("https://[v1.x]", "host or port can't be read", id="ipvfuture"),
        pytest.param("https://[:::]", "not an IPv6 address", id="bad-ipv6"),
        pytest.param("https://[1.2.3.4]", "not an IPv6 address", id="ipv4-in-brackets"),
        pytest.param("https://[0.0.0.0]", "not an IPv6 address", id="ipv4-zero-in-brackets"),
        pytest.param("https://[::ffff:127.0.0.1]", "in the guise of IPv6", id="ipv4-mapped"),
        pytest.param("https://[::ffff:a9fe:a9fe]", "in the guise of IPv6", id="ipv4-mapped-in-hex"),
        pytest.param("https://[::127.0.0.1]", "in the guise of IPv6", id="ipv4-compatible"),
        pytest.param("https://[64:ff9b::a9fe:a9fe]", "in the guise of IPv6", id="nat64"),
    ],
)
def test_refused(raw: str, words: str) -> None:
    """A URL that is bad in one way is refused with the words for it."""
    assert words in reason(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "http://169.254.169.254",
        "https://169.254.169.254:8443/latest",
        "169.254.169.254:80",
        "https://[fd00:ec2::254]",
        "https://[FD00:0EC2:0:0:0:0:0:254]:443",
        "http://metadata.google.internal/computeMetadata",
        "https://Metadata.Google.Internal.",
        "metadata.google.internal:80",
        "http://metadata/computeMetadata",
        "http://169.254.170.2/v2/credentials",
        "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1/credentials",
        "http://100.100.100.200/latest",
    ],
)
def test_metadata(raw: str) -> None:
    """A cloud's metadata address is refused however it is written."""
    assert "metadata address" in reason(raw)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "a.localhost", "localhost.", "127.0.0.1", "127.255.255.254", "[::1]", "0.0.0.0", "[::]",  # noqa: S104
        "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255",
        "169.254.1.1", "[fe80::1]", "[febf::1]", "[fc00::1]", "[fdff::1]",
        "box", "box.", "box.local", "box.internal", "box.lan", "box.home.arpa", "llm.team.svc", "llm.svc.cluster.local",
        "box.local.",
    ],
)  # fmt: skip
def test_private(host: str) -> None:
    """These hosts are loopback or private."""
    assert is_private(host)


@pytest.mark.parametrize(
    "host",
    [
        "api.lamini.ai", "8.8.8.8", "0.0.0.1", "11.0.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1", "100.63.0.1",
        "100.128.0.1", "128.0.0.1", "[2001:db8::1]", "[fec0::1]", "local.example.com",
    ],
)  # fmt: skip
def test_public(host: str) -> None:
    """These hosts are neither loopback nor private, as far as name and address tell."""
    assert not is_private(host)


@pytest.mark.parametrize(
    "raw",
    [
        "https://api.lamini.ai", "http://localhost:5001", "http://127.9.9.9", "http://[::1]:1",
        "http://0.0.0.0:8000", "http://[::]:8000",
    ],
)  # fmt: skip
@pytest.mark.parametrize("policy", ["loopback", "private", "any", []], ids=str)
def test_http_to_loopback(raw: str, policy: object) -> None:
    """Https, and plain http to loopback, are fine by every policy."""
    assert plain_http(taken(raw), policy) is None  # type: ignore[arg-type]  # one of each kind


@pytest.mark.parametrize(
    ("raw", "policy", "kind"),
    [
        pytest.param("http://10.0.0.1:8000", "private", str, id="private-host-by-private"),
        pytest.param("http://10.0.0.1:8000", "any", str, id="private-host-by-any"),
        pytest.param("http://10.0.0.1:8000", "loopback", Problem, id="private-host-by-loopback"),
        pytest.param("http://a.localhost:8000", "loopback", Problem, id="a-name-that-a-resolver-may-lead-elsewhere"),
        pytest.param("http://10.0.0.1:8000", ["http://10.0.0.1:8000"], type(None), id="private-host-listed"),
        pytest.param("http://10.0.0.1:8000", ["http://10.0.0.1:8001"], Problem, id="another-port-listed"),
        pytest.param("http://10.0.0.1:8000", ["https://10.0.0.1:8000"], Problem, id="another-scheme-listed"),
        pytest.param("http://10.0.0.1:8000", [], Problem, id="nothing-listed"),
        pytest.param("http://llm.example.com", "private", Problem, id="public-host-by-private"),
        pytest.param("http://llm.example.com", "loopback", Problem, id="public-host-by-loopback"),
        pytest.param("http://llm.example.com", "any", str, id="public-host-by-any"),
        pytest.param("http://llm.example.com/v1", ["http://LLM.example.com:80/"], type(None), id="public-host-listed"),
    ],
)
def test_http_policy(raw: str, policy: object, kind: type) -> None:
    """Plain http is refused, warned of or allowed by host and policy."""
    assert kind is type(plain_http(taken(raw), policy))  # type: ignore[arg-type]  # one of each kind


def test_refusal_of_http_prints_the_line_that_allows_it() -> None:
    """Whoever is refused can paste what allows it."""
    judged = plain_http(taken("http://llm.example.com:8000/v1"), "private")

    assert isinstance(judged, Problem)
    assert 'http = ["http://llm.example.com:8000"]' in judged.remedy


def test_allowing_line_silences() -> None:
    """The line that the warning prints is one that `http` takes, and that silences it."""
    url = taken("http://gpu-box:8000/v1")
    warning = plain_http(url, "private")

    assert isinstance(warning, str)
    assert plain_http(url, [warning.partition('["')[2].partition('"]')[0]]) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("https://api.lamini.ai/v1/completions?x=1#y", "https://api.lamini.ai", id="query-and-fragment"),
        pytest.param("https://api.lamini.ai?@evil.example", "https://api.lamini.ai", id="at-in-query"),
        pytest.param("https://api.lamini.ai#@evil.example", "https://api.lamini.ai", id="at-in-fragment"),
        pytest.param("https://api.lamini.ai/@evil.example", "https://api.lamini.ai", id="at-in-path"),
        pytest.param("https://API.lamini.ai:443/", "https://api.lamini.ai", id="capitals-and-port"),
        pytest.param("api.lamini.ai:443", None, id="no-scheme"),
        pytest.param("//api.lamini.ai", None, id="relative"),
        pytest.param("https://api.lamini.ai@evil.example/", None, id="userinfo"),
        pytest.param("https://api.lamini.ai\\@evil.example/", None, id="backslash"),
        pytest.param("https://api.lamini.ai/\u00e9", None, id="not-ascii"),
        pytest.param("https://api.lamini.ai\n", None, id="newline"),
        pytest.param("https://metadata.google.internal/x", None, id="metadata"),
        pytest.param("wss://api.lamini.ai", None, id="another-scheme"),
    ],
)
def test_origin(url: str, expected: str | None) -> None:
    """The origin of a request's URL is told where it is certain, and only there."""
    assert expected == origin(url)


@pytest.mark.parametrize("value", [None, 5, b"https://api.lamini.ai"], ids=repr)
def test_origin_of_what_is_no_text(value: object) -> None:
    """What is no text has no origin."""
    assert origin(value) is None  # type: ignore[arg-type]  # that is the fact


@given(ANY)
@example("https://[")
@example("https://[::ffff:0:0]")
@example("\ud800")
def test_never_raises(raw: str) -> None:
    """Whatever the text, parsing it gives a Url or a Problem, and an origin or None."""
    assert isinstance(parse(raw), (Url, Problem))
    assert isinstance(origin(raw), (str, type(None)))


@given(before=JUMBLED, after=JUMBLED, key=st.from_regex(r"[A-Za-z0-9_.~+/=-]{24,40}", fullmatch=True))
def test_problem_never_repeats_the_value(before: str, after: str, key: str) -> None:
    """A key pasted where a URL belongs is in no Problem."""
    parsed = parse(before + key + after)

    assert not isinstance(parsed, Problem) or key.lower() not in f"{parsed}".lower()


@given(ANY)
def test_fixed_point(raw: str) -> None:
    """A normalised URL parses to itself."""
    parsed = parse(raw)

    assert isinstance(parsed, Problem) or parsed == parse(parsed.text)


@given(ANY)
def test_origin_is_that_of_the_url(raw: str) -> None:
    """A request to a URL that is taken has its origin, with a query too."""
    parsed = parse(raw)

    assert isinstance(parsed, Problem) or [parsed.origin] * 2 == [origin(parsed.text), origin(f"{parsed.text}/x?y@z#t")]


@given(ANY)
def test_origin_only_of_what_is_taken(raw: str) -> None:
    """What has an origin is taken once query and fragment are gone."""
    found = origin(raw)

    assert found is None or found == taken(raw.partition("#")[0].partition("?")[0]).origin


def seen_by_urllib(text: str) -> tuple[object, ...]:
    split = urlsplit(text)
    return split.scheme, host_of(split.hostname or ""), split.port


def seen_by_httpx(text: str) -> tuple[object, ...]:
    url = pytest.importorskip("httpx").URL(text)
    return url.scheme, host_of(url.raw_host.decode()), url.port


def seen_by_urllib3(text: str) -> tuple[object, ...]:
    url = pytest.importorskip("urllib3").util.parse_url(text)
    return url.scheme, host_of(url.host or ""), url.port


@pytest.mark.parametrize("seen_by", [seen_by_urllib, seen_by_httpx, seen_by_urllib3], ids=lambda seen: seen.__name__)
@given(raw=ANY)
def test_others_see_the_same(seen_by: object, raw: str) -> None:
    """Every library sees the same scheme, host and port, in the raw text and in the normalised one."""
    parsed = parse(raw)
    if isinstance(parsed, Problem):
        return
    default = {"http": 80, "https": 443}[parsed.scheme]
    for text in (parsed.text, raw if "://" in raw else parsed.text):
        scheme, host, port = seen_by(text)  # type: ignore[operator]  # one of the three above
        assert (parsed.scheme, host_of(parsed.host), parsed.port) == (scheme, host, port or default)
