"""Whose key it is: the names, places and addresses of one API."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Service:
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
    """

    name: str
    key_variable: str = ""
    url_variable: str = ""
    prefix: str = ""
    profile_variable: str = ""
    files: tuple[str, ...] = ()
    urls: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    header: str = "Authorization"
    scheme: str = "Bearer"
    former_prefixes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        prefix = self.prefix or "".join(c if c.isalnum() else "_" for c in self.name.upper())
        for attribute, default in (
            ("prefix", prefix),
            ("key_variable", f"{prefix}_API_KEY"),
            ("url_variable", f"{prefix}_API_URL"),
        ):
            object.__setattr__(self, attribute, getattr(self, attribute) or default)


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
