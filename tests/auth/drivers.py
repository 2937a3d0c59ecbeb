"""The clients that the adapters are for, behind one face: a test states its fact once, and each client has to show it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Self

import httpx
import httpx2
import requests
import urllib3
from auth.async_drivers import Aiohttp, HttpxAsync
from auth.kit import Answer, Content, Options

from lamini_creds.auth import httpx as our_httpx
from lamini_creds.auth import httpx2 as our_httpx2
from lamini_creds.auth import requests as our_requests
from lamini_creds.auth import urllib as our_urllib
from lamini_creds.auth import urllib3 as our_urllib3


class _Sync(ExitStack):
    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options


class Httpx(_Sync):
    module: Any = httpx
    adapter: Any = our_httpx

    def __enter__(self) -> Self:
        options = self.options
        self.client = self.enter_context(
            self.module.Client(
                auth=self.adapter.CredentialAuth(**options.auth) if options.auth else None,
                verify=options.context,
                trust_env=options.trust_env,
                headers=options.headers,
                timeout=options.timeout,
                follow_redirects=options.follow,
            )
        )
        return self

    def send(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        response = self.client.request(method, url, content=content, files=files)
        return Answer(response.status_code, response.content)


class Httpx2(Httpx):
    module = httpx2
    adapter = our_httpx2


class Requests(_Sync):
    def __enter__(self) -> Self:
        options = self.options
        self.session = self.enter_context(requests.Session())
        self.session.auth = our_requests.CredentialAuth(**options.auth) if options.auth else None
        self.session.trust_env = options.trust_env
        self.session.verify = options.ca_file or True
        self.session.headers.update(options.headers)
        return self

    def send(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        response = self.session.request(
            method, url, data=content, files=files, timeout=self.options.timeout, allow_redirects=self.options.follow
        )
        return Answer(response.status_code, response.content)


class Urllib3(_Sync):
    def __enter__(self) -> Self:
        options = self.options
        made: Any = our_urllib3.CredentialPoolManager if options.auth else urllib3.PoolManager
        self.manager = self.enter_context(
            made(headers=options.headers, timeout=options.timeout, ca_certs=options.ca_file, **options.auth)
        )
        return self

    def send(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        body = {"fields": {name: (file, data.read()) for name, (file, data) in files.items()}} if files else {}
        response = self.manager.request(method, url, body=content, redirect=self.options.follow, retries=5, **body)
        return Answer(response.status, response.data)


class Urllib(_Sync):
    def __enter__(self) -> Self:
        options = self.options
        handlers: list[Any] = [urllib.request.HTTPSHandler(context=options.context)]
        if not options.trust_env:
            handlers.append(urllib.request.ProxyHandler({}))
        if not options.follow:
            handlers.append(_NoRedirects())
        if options.auth:
            handlers.append(our_urllib.CredentialHandler(**options.auth))
        self.opener = urllib.request.build_opener(*handlers)
        return self

    def send(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        headers = {"Content-Type": "application/octet-stream"} if content is not None else {}
        if files:
            content, headers["Content-Type"] = _multipart(files)
        request = urllib.request.Request(  # noqa: S310  # the tests' own servers
            url,
            data=content,
            headers={**self.options.headers, **headers},
            method=method,
        )
        try:
            with self.opener.open(request, timeout=self.options.timeout) as response:
                return Answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read())


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _multipart(files: Mapping[str, Any]) -> tuple[bytes, str]:
    """Write a form by hand, as one has to with the standard library."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode()
        + data.read()
        + b"\r\n"
        for name, (file, data) in files.items()
    ]
    return b"".join([*parts, b"--x--\r\n"]), "multipart/form-data; boundary=x"


CLIENTS: dict[str, Callable[[Options], Any]] = {
    "httpx": Httpx,
    "httpx-async": HttpxAsync,
    "httpx2": Httpx2,
    "requests": Requests,
    "aiohttp": Aiohttp,
    "urllib3": Urllib3,
    "urllib": Urllib,
}
