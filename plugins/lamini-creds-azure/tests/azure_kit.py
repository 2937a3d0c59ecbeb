"""What the tests of the Azure plugin share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lamini_creds import ProviderError

if TYPE_CHECKING:
    from lamini_creds_azure import AzureProvider

    from lamini_creds import Context


def failure(provider: AzureProvider, context: Context) -> ProviderError:
    """Give what the provider raises."""
    with pytest.raises(ProviderError) as caught:
        provider.provide(context)
    return caught.value
