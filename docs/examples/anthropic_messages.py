"""Ask Anthropic's API one question with the key that is found, by the standard library alone."""

from __future__ import annotations

import json
import sys
import urllib.request

from lamini_creds import Resolver, Service

ANTHROPIC = Service(
    "Anthropic",
    url_variable="ANTHROPIC_BASE_URL",
    urls={"production": "https://api.anthropic.com"},
    header="x-api-key",
    scheme="",
)

resolver = Resolver(service=ANTHROPIC)


def ask(question: str, model: str = "claude-sonnet-4-5") -> str:
    """Send one message and give the answer's text."""
    credential = resolver.resolve()
    body = {"model": model, "max_tokens": 200, "messages": [{"role": "user", "content": question}]}
    request = urllib.request.Request(  # noqa: S310  # the scheme was judged when the URL was resolved
        f"{credential.url}/v1/messages",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "anthropic-version": "2023-06-01", **credential.headers()},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return str(json.load(response)["content"][0]["text"])


if __name__ == "__main__":
    print(ask(" ".join(sys.argv[1:]) or "Say hello."))
