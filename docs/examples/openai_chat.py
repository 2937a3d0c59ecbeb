"""Ask OpenAI's API one question with the key that is found, by the standard library alone."""

from __future__ import annotations

import json
import sys
import urllib.request

from lamini_creds import Resolver, Service

OPENAI = Service("OpenAI", url_variable="OPENAI_BASE_URL", urls={"production": "https://api.openai.com/v1"})

resolver = Resolver(service=OPENAI)


def ask(question: str, model: str = "gpt-4o-mini") -> str:
    """Send one chat request and give the answer's text."""
    credential = resolver.resolve()
    body = {"model": model, "messages": [{"role": "user", "content": question}]}
    request = urllib.request.Request(  # noqa: S310  # the scheme was judged when the URL was resolved
        f"{credential.url}/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **credential.headers()},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return str(json.load(response)["choices"][0]["message"]["content"])


if __name__ == "__main__":
    print(ask(" ".join(sys.argv[1:]) or "Say hello."))
