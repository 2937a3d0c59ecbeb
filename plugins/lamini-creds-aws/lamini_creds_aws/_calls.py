"""One call to AWS within the time left, by a client that is made once."""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import NoCredentialsError
from botocore.session import Session

from lamini_creds import ProviderError, ProviderInvalid, Secret, quiet_logs
from lamini_creds_aws._agent import ask_agent
from lamini_creds_aws._failures import failure
from lamini_creds_aws._options import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds import Context
    from lamini_creds_aws._options import Account, Request

    Service = Literal["secretsmanager", "ssm"]
    Reader = Callable[[dict[str, Any], str], Secret | ProviderError]

_PATIENCE = 60.0
_BACK_OFF = 1.0


def fetch(account: Account, context: Context, request: Request, read: Reader) -> Secret:
    """
    Ask AWS, or the local agent.

    Args:
        account: The provider's options.
        context: Its `remaining()` bounds time-outs and retries.
        request: What to ask for.
        read: Takes the secret's text out of the answer.

    Raises:
        ProviderError: One of the three outcomes of a failure, raised above every frame that saw the answer.
    """
    found = _found(account, context, request, read)
    if isinstance(found, ProviderError):
        raise found
    return found


def _found(account: Account, context: Context, request: Request, read: Reader) -> Secret | ProviderError:
    region, owner = account.region or request.region(), owner_of(request.name) or owner_of(account.role_arn)
    mistake = account.mistake()
    if mistake:
        return ProviderInvalid(mistake, place=request.place(region, owner))
    try:
        with quiet_logs("boto3", "botocore", "urllib3"):
            if account.agent:
                answer = ask_agent(account.agent, context, request, min(context.remaining(), _PATIENCE))
            else:
                session, client = _client(account, request.service, region, _budget(context), os.getpid())
                region = client.meta.region_name
                owner = owner or getattr(session.get_credentials(), "account_id", None)
                answer = getattr(client, request.operation)(**request.params)
        return read(answer, request.place(region, owner_of(_arn(answer)) or owner))
    except Exception as error:  # noqa: BLE001  # whatever it is, its text and its frames stay here
        return failure(error, request, region, owner)


def _arn(answer: dict[str, Any]) -> str:
    found = answer.get("Parameter", answer)
    return str(found.get("ARN", "")) if isinstance(found, dict) else ""


def _budget(context: Context) -> float:
    """Round the time left to steps, so that one client serves every call of an entry."""
    left = min(context.remaining(), _PATIENCE)
    return max(0.25, math.ceil(left * 4) / 4 if left < 2 * _BACK_OFF else math.ceil(left))


@lru_cache(maxsize=32)
def _client(
    account: Account, service: Service, region: str | None, budget: float, _process: int
) -> tuple[Session, Any]:
    """Make a client for this process; a forked child makes its own. Retry once where there is time for it."""
    attempts = 1 if budget < 2 * _BACK_OFF else 2
    share = (budget - _BACK_OFF * (attempts - 1)) / attempts
    session = Session(profile=account.profile_name)
    session.set_default_client_config(
        Config(
            connect_timeout=share * 0.4,
            read_timeout=share * 0.6,
            retries={"total_max_attempts": attempts, "mode": "standard"},
        )
    )
    if account.ca_file:
        session.set_config_variable("ca_bundle", account.ca_file)
    if region:
        session.set_config_variable("region", region)
    if account.role_arn:
        session.register_component("credential_provider", _Role(session, account.role_arn))
    return session, boto3.Session(botocore_session=session).client(service, endpoint_url=account.endpoint_url)


class _Role:
    """The SDK's own chain of logins, with one role assumed by what it finds, and assumed again before it ends."""

    def __init__(self, session: Session, role_arn: str) -> None:
        self._session, self._role_arn = session, role_arn
        self._chain = session.get_component("credential_provider")

    def load_credentials(self) -> DeferredRefreshableCredentials:
        source = self._chain.load_credentials()
        if source is None:
            raise NoCredentialsError
        fetcher = AssumeRoleCredentialFetcher(
            self._session.create_client, source, self._role_arn, extra_args={"RoleSessionName": "lamini-creds"}
        )
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
