"""Whose key it is: the names, places and addresses of one API."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from lamini_creds._value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")  # RFC 9110, 5.6.2


class Service(Value):
    """
    Describe an API whose key is looked for; Lamini's is built in as `LAMINI`.

    >>> vllm = Service("vllm", urls={"production": "http://localhost:8000/v1"})
    >>> vllm.key_variable, vllm.url_variable
    ('VLLM_API_KEY', 'VLLM_API_URL')

    Attributes:
        name: What messages call it.
        key_variable: The environment variable with the key; `<NAME>_API_KEY` by default.
        url_variable: The one with the URL; `<NAME>_API_URL` by default.
        prefix: What the variables of one profile start with: `<PREFIX>__<PROFILE>__KEY`;
            the name in capitals by default.
        profile_variable: The service's own variable for the ambient profile, if it has one.
        files: YAML files to read, below the home directory, nearest first.
        urls: The default URL of each profile.
        header: The HTTP header that carries the key.
        scheme: The word before the key in that header; empty for none.
        former_prefixes: Prefixes that are no longer read; finding one gives a hint.

    Raises:
        ValueError: Header or scheme is none.
    """

    name: str
    key_variable: str
    url_variable: str
    prefix: str
    profile_variable: str
    files: tuple[str, ...]
    urls: Mapping[str, str]
    header: str
    scheme: str
    former_prefixes: tuple[str, ...]

    def __init__(
        self,
        name: str,
        key_variable: str = "",
        url_variable: str = "",
        prefix: str = "",
        profile_variable: str = "",
        files: tuple[str, ...] = (),
        urls: Mapping[str, str] = MappingProxyType({}),
        header: str = "Authorization",
        scheme: str = "Bearer",
        former_prefixes: tuple[str, ...] = (),
    ) -> None:
        check_header(header, scheme)
        prefix = prefix or "".join(c if c.isalnum() else "_" for c in name.upper())
        super().__init__(
            name=name,
            key_variable=key_variable or f"{prefix}_API_KEY",
            url_variable=url_variable or f"{prefix}_API_URL",
            prefix=prefix,
            profile_variable=profile_variable,
            files=files,
            urls=urls,
            header=header,
            scheme=scheme,
            former_prefixes=former_prefixes,
        )


def check_header(header: str, scheme: str) -> None:
    """
    Make sure that a header's name, and the word before the key in it, can be sent.

    Raises:
        ValueError: They can't be; the text is not in the message, since it may be a key in the wrong place.
    """
    if not header or not _TOKEN.issuperset(header):
        raise ValueError("header is the name of an HTTP header, such as X-API-Key")
    if not _TOKEN.issuperset(scheme):
        raise ValueError("scheme is one word, such as Bearer, or empty")


LAMINI = Service(
    "Lamini",
    profile_variable="LLAMA_ENVIRONMENT",
    files=(".lamini/configure.yaml", ".powerml/configure_llama.yaml"),
    urls=MappingProxyType(
        {
            "production": "https://api.lamini.ai",
            "staging": "https://staging.lamini.ai",
            "local": "http://localhost:5001",
        }
    ),
    former_prefixes=("POWERML",),
)
