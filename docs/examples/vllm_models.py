"""List the models of a vLLM server of one's own, which is started with --api-key."""

from __future__ import annotations

import json
import urllib.request

from lamini_creds import Resolver, Service

VLLM = Service(
    "vLLM",
    files=(".config/vllm/keys.yaml",),
    urls={"production": "https://vllm.example.com/v1", "local": "http://localhost:8000/v1"},
)

resolver = Resolver(service=VLLM)


def models(profile: str | None = None) -> list[str]:
    """Give the names of the models that the profile's server has."""
    credential = resolver.resolve(profile=profile)
    request = urllib.request.Request(f"{credential.url}/models", headers=credential.headers())  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return [model["id"] for model in json.load(response)["data"]]


if __name__ == "__main__":
    print("\n".join(models()))
