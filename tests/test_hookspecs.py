"""The hooks are what the documentation and the registry say they are."""

from __future__ import annotations

import inspect

import pluggy
import pytest

from lamini_creds import hookimpl, hookspecs

HOOKS = {
    "lamini_creds_register_provider": (),
    "lamini_creds_observe": ("event",),
}


def test_every_hook_is_known() -> None:
    """These hooks and no others are specified."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)

    assert sorted(HOOKS) == sorted(
        name for name, hook in vars(manager.hook).items() if isinstance(hook, pluggy.HookCaller)
    )


@pytest.mark.parametrize("hook", HOOKS)
def test_arguments(hook: str) -> None:
    """A plugin may rely on the arguments: new ones only join at the end."""
    assert HOOKS[hook] == tuple(inspect.signature(getattr(hookspecs, hook)).parameters)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hooks_docstring_is_its_contract(hook: str) -> None:
    """Every hook says what it is for."""
    assert inspect.getdoc(getattr(hookspecs, hook))


def test_one_name_for_project_group_and_marker() -> None:
    """The marker that plugins import is of this project."""
    assert "lamini_creds" == hookspecs.PROJECT == hookimpl.project_name
