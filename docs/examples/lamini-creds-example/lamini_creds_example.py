"""A provider that finds key and URL in a JSON file in the home directory."""

import json
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from lamini_creds import Context, ProviderInvalid, Secret, hookimpl


@dataclass(frozen=True)
class ExampleProvider:
    """A JSON file in the home directory, such as `{"key": ..., "url": ...}`."""

    path: Annotated[str, Meta(description="The file, below the home directory.")] = ".example.json"

    def provide(self, context: Context) -> Secret | None:
        if context.home is None or not (file := context.home / self.path).exists():
            return None
        try:
            return Secret(**json.loads(file.read_text()), source=str(file))
        except (OSError, ValueError, TypeError):
            raise ProviderInvalid("is not JSON with a key and a URL", place=str(file)) from None


@hookimpl
def lamini_creds_register_provider() -> type[ExampleProvider]:
    return ExampleProvider
