"""A provider that finds key and URL in a JSON file in the home directory."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from lamini_creds import Context, ProviderDenied, Secret, hookimpl, parse_payload


@dataclass(frozen=True)
class ExampleProvider:
    """A JSON file in the home directory, such as `{"key": ..., "url": ...}`."""

    path: Annotated[str, Meta(description="The file, below the home directory.")] = ".example.json"

    def provide(self, context: Context) -> Secret | None:
        if context.home is None or not (file := context.home / self.path).exists():
            return None
        try:
            return parse_payload(file.read_bytes(), profile=context.profile, source=str(file))
        except OSError:
            raise ProviderDenied("can't be read", place=str(file), remedy=f"Run: chmod 600 {file}") from None


@hookimpl
def lamini_creds_register_provider() -> type[ExampleProvider]:
    return ExampleProvider
