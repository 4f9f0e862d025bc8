"""Keeping the secrets of a catalog out of what is said about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECRET = re.compile(
    r"secret|token|password|passwd|credential|access.?key|authorization|private", re.IGNORECASE
)
_SHORTEST = 3
HIDDEN = "***"


class Redactor:
    """Takes the secret values of a catalog's properties out of texts."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        found = {value for value in _secrets(properties) if len(value) >= _SHORTEST}
        self._values = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, HIDDEN)
        return text


def _secrets(properties: Mapping[str, Any]) -> Iterator[str]:
    for name, value in properties.items():
        if isinstance(value, dict):
            yield from _secrets(value)
        elif isinstance(value, str):
            if _SECRET.search(name):
                yield from (value, *(part for part in value.split(":") if part))
            yield from _password(value)


def _password(uri: str) -> Iterator[str]:
    """The password in a URI, as it stands there and decoded."""
    if "://" not in uri:
        return
    try:
        password = urlsplit(uri).password
    except ValueError:
        return
    if password:
        yield from (password, unquote(password), quote(unquote(password), safe=""))
