"""What a plugin's own tests need: stand-ins for stores and clocks, and the search for leaked keys."""

from lamini_creds.testing._doubles import FakeClock, ScriptedProvider, StaticProvider, resolver_of
from lamini_creds.testing._leaks import assert_no_leak

__all__ = ["FakeClock", "ScriptedProvider", "StaticProvider", "assert_no_leak", "resolver_of"]
