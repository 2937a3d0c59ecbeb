"""Import and make a provider in a process of its own, where nobody may be spoken to yet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The process ends at once: an exception could be caught, or end a thread alone.
_MAKE_ONE = """
import json, os, platform, sys, threading

platform.platform()  # SDKs tell a server about the machine: Python starts `uname` for that, once

def refuse(event, arguments):
    if event in {refused}:
        os.write(2, f"{{event}} before anything was asked".encode())
        os._exit(3)

sys.addaudithook(refuse)
from lamini_creds.testing._asking import made
made(sys.argv[1], json.loads(sys.argv[2]))
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(1)
"""
_REFUSED = (
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "socket.sendmsg",
    "subprocess.Popen",
    "os.exec",
    "os.posix_spawn",
    "os.system",
)


def told_at_start(provider: str, options: Mapping[str, object], environ: Mapping[str, str], seconds: float) -> str:
    """
    Say what goes wrong where a provider is imported and made.

    Args:
        provider: Its name.
        options: Its options.
        environ: The environment.
        seconds: How long it may take.

    Returns:
        What was done too early, or what was raised; empty where all is well.
    """
    ran = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", _MAKE_ONE.format(refused=_REFUSED), provider, json.dumps(options)],
        env={**environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    return ran.stderr if ran.returncode else ""
