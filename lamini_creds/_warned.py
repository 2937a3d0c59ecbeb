"""Warnings, each given once, at the line of the program that asked."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from lamini_creds.errors import CredentialWarning

if TYPE_CHECKING:
    from collections import deque


def warn_once(messages: tuple[str, ...], given: deque[str]) -> None:
    """
    Give the warnings that were not given yet.

    A program that passes another URL at every call may make up warnings
    without end: the oldest are forgotten, and would be given again. The
    `warnings` module of Python forgets none by default, and shows them once.

    Args:
        messages: What works but should be mended.
        given: What was given before, the oldest first; what is given now is added.
    """
    for message in messages:
        if message not in given:
            given.append(message)
            warnings.warn(message, CredentialWarning, stacklevel=_level_of_caller())


def _level_of_caller() -> int:
    """Count the frames between `warn_once` and the first one outside this package."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("lamini_creds."):
        frame = frame.f_back
        level += 1
    return level
