"""What tests need: a credential that is none, stand-ins for stores and clocks, and what every provider has to do."""

from lamini_creds.testing._conformance import ProviderConformance
from lamini_creds.testing._doubles import FakeClock, ScriptedProvider, StaticProvider, resolver_of
from lamini_creds.testing._leaks import assert_no_leak
from lamini_creds.testing._override import override
from lamini_creds.testing._store import Store

__all__ = [
    "FakeClock",
    "ProviderConformance",
    "ScriptedProvider",
    "StaticProvider",
    "Store",
    "assert_no_leak",
    "override",
    "resolver_of",
]
