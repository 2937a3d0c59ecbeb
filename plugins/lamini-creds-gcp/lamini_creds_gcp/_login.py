"""The machine's Google login, found and used within the time that the caller has."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import warnings
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import google.auth
from google.auth import _cloud_sdk
from google.auth.credentials import with_scopes_if_required
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from google.auth.transport import DEFAULT_RETRYABLE_STATUS_CODES
from google.auth.transport.requests import Request
from requests import ReadTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.auth.credentials import Credentials

    from lamini_creds import Context

_LONGEST = 60.0
_FILE = "GOOGLE_APPLICATION_CREDENTIALS"


def seconds_left(context: Context) -> float:
    """Give the time for a request: some, with an end, and before the caller's, who could not say who was asked."""
    return min(_LONGEST, max(0.05, 0.9 * context.remaining()))


def default_login(scopes: list[str], request: Request) -> tuple[Credentials, str | None]:
    """Find login and project as google-auth does, which asks gcloud for the project of its file, and waits for ever."""
    file = _cloud_sdk.get_application_default_credentials_path()
    try:
        if (os.environ.get(_FILE) or file) != file or not os.path.isfile(file):
            return google.auth.default(scopes=scopes, request=request)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it warns of other people's files
            credentials, project = google.auth.load_credentials_from_file(file, request=request)
    except (AttributeError, LookupError, TypeError, ValueError):
        raise DefaultCredentialsError("this file is no login") from None
    project = os.environ.get("GOOGLE_CLOUD_PROJECT", os.environ.get("GCLOUD_PROJECT")) or project
    return with_scopes_if_required(credentials, scopes), project


def log_in(otherwise: str) -> str:
    """Say what is to be done about a login: Google's variable goes before any other one."""
    file = os.environ.get(_FILE)
    return f"Mend or replace the login's file '{file}', which {_FILE} names, or unset that." if file else otherwise


def ask_gcloud(context: Context, *words: str) -> str:
    """Give what the user's gcloud prints, if there is one; in time, it is ended with all that it has started."""
    gcloud = shutil.which("gcloud", path=context.environ.get("PATH", ""))
    if gcloud is None or not os.path.isabs(gcloud):  # what lies in the working directory is not asked
        return ""
    with subprocess.Popen(  # noqa: S603  # the user's own, found on their PATH
        [gcloud, *words, "--quiet"],
        env={name: value for name, value in context.environ.items() if not name.startswith("LAMINI_")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=seconds_left(context))
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
    return "" if process.returncode else printed.decode().strip()


def in_time(answer: Any, read: Callable[[], bytes], ends: float) -> Iterator[bytes]:
    """Read a body as it comes, each piece in what is left; a limit for each never ends a body that dribbles."""
    while (left := ends - monotonic()) > 0:
        if answer.fp:  # the limit of its socket is what was left before the headers, and nothing public leads there
            answer.fp.raw._sock.settimeout(left)
        if not (piece := read()):
            return
        yield piece
    raise ReadTimeout


def end_in_time(response: Any, *, timeout: float, **_: object) -> None:
    """Hold headers and body together to the limit for each; a hook of requests."""
    body, ends = response.raw, monotonic() + timeout - response.elapsed.total_seconds()

    def stream(size: int, *, decode_content: bool) -> Iterator[bytes]:
        try:
            yield from in_time(body._original_response, partial(body.read1, size, decode_content=decode_content), ends)
        finally:
            body.close()

    body.stream = stream


class LoginRequest(Request):
    """Ends each request in time, and leaves no failure for google-auth to try again: it sleeps for seconds."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.session.hooks["response"] = [end_in_time]
        self._context = context

    def __call__(self, *args: Any, timeout: float = _LONGEST, **options: Any) -> Any:
        """Send a request, or raise a RefreshError; it is retryable where it passes."""
        options["timeout"] = min(timeout, seconds_left(self._context))
        try:
            response = super().__call__(*args, **options)  # type: ignore[no-untyped-call]  # google-auth's
        except TransportError:
            raise RefreshError("out of reach") from None
        if response.status in DEFAULT_RETRYABLE_STATUS_CODES:
            raise RefreshError("out of order", retryable=True)
        return response
