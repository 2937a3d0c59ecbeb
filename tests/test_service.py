"""Services: the names that are made of a name, and Lamini's own."""

from __future__ import annotations

import pytest

from lamini_creds import LAMINI, Service


@pytest.mark.parametrize(
    ("name", "names"),
    [
        pytest.param("vllm", ("VLLM", "VLLM_API_KEY", "VLLM_API_URL"), id="one-word"),
        pytest.param("My LLM-2", ("MY_LLM_2", "MY_LLM_2_API_KEY", "MY_LLM_2_API_URL"), id="blanks-and-hyphens"),
    ],
)
def test_names_by_default(name: str, names: tuple[str, ...]) -> None:
    """Prefix and variables are made of the name, in capitals."""
    service = Service(name)

    assert names == (service.prefix, service.key_variable, service.url_variable)


def test_variables_follow_the_prefix() -> None:
    """A prefix of one's own names the variables, too."""
    assert Service("vllm", prefix="GPU").key_variable == "GPU_API_KEY"


def test_given_names_stand() -> None:
    """Variables that are given are taken as they are."""
    service = Service("vllm", key_variable="TOKEN", url_variable="BASE")

    assert ("TOKEN", "BASE") == (service.key_variable, service.url_variable)


def test_frozen() -> None:
    """A service does not change."""
    with pytest.raises(AttributeError, match=r"Service\.name can't be set"):
        LAMINI.name = "another"  # type: ignore[misc]  # that is the fact


def test_urls_do_not_change() -> None:
    """Nobody can turn Lamini's address into another one."""
    with pytest.raises(TypeError):
        LAMINI.urls["production"] = "https://evil.example"  # type: ignore[index]  # that is the fact


@pytest.mark.parametrize("header", ["", "X Y", "X:Y", "X-Key\n", "X-K\N{LATIN SMALL LETTER E WITH ACUTE}y"])
def test_a_header_that_is_none(header: str) -> None:
    """The name of a header is a token of HTTP; what was given is not repeated."""
    with pytest.raises(ValueError, match=r"^header is the name of an HTTP header, such as X-API-Key$"):
        Service("demo", header=header)


@pytest.mark.parametrize("scheme", ["Be arer", "Bearer\n", "Bearer "])
def test_a_scheme_that_is_none(scheme: str) -> None:
    """The word before the key is one, or none."""
    with pytest.raises(ValueError, match=r"^scheme is one word, such as Bearer, or empty$"):
        Service("demo", scheme=scheme)


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("key_variable", "LAMINI_API_KEY"),
        ("url_variable", "LAMINI_API_URL"),
        ("prefix", "LAMINI"),
        ("profile_variable", "LLAMA_ENVIRONMENT"),
        ("files", (".lamini/configure.yaml", ".powerml/configure_llama.yaml")),
        ("header", "Authorization"),
        ("scheme", "Bearer"),
        (
            "urls",
            {
                "production": "https://api.lamini.ai",
                "staging": "https://staging.lamini.ai",
                "local": "http://localhost:5001",
            },
        ),
    ],
)
def test_lamini(attribute: str, expected: object) -> None:
    """Lamini's names, places and addresses are those of its own clients."""
    assert expected == getattr(LAMINI, attribute)
