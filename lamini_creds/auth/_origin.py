"""The origin of a request's URL as a client gives it: with user name and password in it, perhaps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lamini_creds import _url

if TYPE_CHECKING:
    from lamini_creds._credential import Credential

_AUTHORITY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?([^@/?#\\]*)(?:[/?#]|\Z)")


def origin_of(url: str) -> str | None:
    """
    Give the origin of a request's URL.

    User name and password are no part of an origin; how `Credential.allows`
    refuses them is for URLs that people write down.

    Returns:
        The normalised origin, or None where two parsers could see different ones: that is nobody's.
    """
    text = _text_of(url)
    return text and _url.origin(text)


def is_own(credential: Credential, url: str) -> bool:
    """Say whether a request to this URL goes to the credential's origin."""
    if url == credential.origin:  # most clients give it so
        return True
    text = _text_of(url)
    return text == credential.origin or (text is not None and _url.origin(text) == credential.origin)


def _text_of(url: str) -> str | None:
    """Give scheme, host and port as they are written."""
    matched = _AUTHORITY.match(url)
    return matched and matched[1] + matched[2]
