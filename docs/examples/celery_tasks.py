"""Celery tasks that ask the key's server: one resolver and one client for each process of the worker."""

from __future__ import annotations

from functools import cache

import requests
from celery import Celery

from lamini_creds import ProviderUnavailable, Resolver
from lamini_creds.auth.requests import CredentialAuth

app = Celery("celery_tasks")
resolver = Resolver()


@cache
def session() -> requests.Session:
    """Make the process's own client, at its first use: connections don't survive a fork."""
    made = requests.Session()
    made.auth = CredentialAuth(resolver)
    return made


@app.task(autoretry_for=(ProviderUnavailable,), retry_backoff=True)
def complete(prompt: str) -> str:
    """Have a prompt completed; while no key can be had for now, the task is tried again later."""
    url = resolver.resolve().url
    answer = session().post(f"{url}/v1/completions", json={"prompt": prompt}, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["output"])
