"""Find a key, say where it was found, and use it in one request to a small server started here."""

from __future__ import annotations

import tempfile
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from lamini_creds import CredentialsNotFoundError, Resolver
from lamini_creds.auth.urllib import CredentialHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds import Credential


def main() -> None:
    """Use the key of this environment or this home directory; where there is none, one of a made-up home."""
    with serving() as server:
        try:
            use(server)
        except CredentialsNotFoundError as error:
            print(error)
            print("\nSo here is a home directory with ~/.lamini/configure.yaml, and once more:\n")
            with tempfile.TemporaryDirectory() as home:
                write_configuration(Path(home))
                use(server, Path(home))


def use(server: str, home: Path | None = None) -> None:
    """Find a key for the server, explain where it comes from, and send one request with it."""
    # A key that is stored with another URL may go to this server all the same: it runs on this machine.
    resolver = Resolver({"allow_origins": [server]}, home=home, environ={} if home else None)
    credential = resolver.resolve(url=server)
    for attempt in resolver.explain(url=server).attempts:
        print(f"{attempt.outcome:8} {attempt}")
    print(f"\nkey from    {credential.provider} ({credential.source}), fingerprint {credential.fingerprint}")
    print(f"goes to     {credential.url} ({credential.url_source})")
    print(f"answered    {send(credential)}")


def send(credential: Credential) -> str:
    """Send a request that carries the key, which no origin but the credential's own ever gets."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), CredentialHandler(credential))
    with opener.open(f"{credential.url}/v1/completions", data=b'{"prompt": "hi"}', timeout=10) as response:
        return f"{response.status} {response.read().decode()}"


def write_configuration(home: Path) -> None:
    """Write the file that Lamini's own clients read."""
    path = home / ".lamini" / "configure.yaml"
    path.parent.mkdir()
    path.touch(mode=0o600)
    path.write_text("production:\n  key: test-key-from-yaml\n")


@contextmanager
def serving() -> Iterator[str]:
    """Run a server that takes any key; give its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers 200 to a bearer token and 401 to anything else."""

    def do_POST(self) -> None:
        """Read the request, look for the key, and say whether there was one."""
        self.rfile.read(int(self.headers["Content-Length"]))
        authorized = self.headers.get("Authorization", "").startswith("Bearer ")
        self.send_response(200 if authorized else 401)
        self.end_headers()
        self.wfile.write(b"hello" if authorized else b"who are you?")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


if __name__ == "__main__":
    main()
