"""Keeps secrets out of everything that the runner prints or passes on: by key, and by value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MASK = "****"
SHORTEST = 4
"""Values shorter than this are not searched for: masking every `a` would say more than it hides."""

_SECRET_NAME = re.compile(
    r"(^|[_-])pass$|passw(or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential"
    r"|connection[_-]?(string|url)|dsn$|authorization",
    re.IGNORECASE,
)


class Redactor:
    """Replaces known secret values in texts.

    Args:
        secrets: the values; numbers count too, a text of several lines also line by line.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text


def is_secret_name(name: str) -> bool:
    """Whether a setting or variable of this name is to be taken for a secret."""
    return _SECRET_NAME.search(name) is not None


def secrets_in(config: Mapping[str, Any], declared: Iterable[str]) -> Iterator[str]:
    """Values of a configuration that are secret: under a declared path, or under a name that says so.

    Args:
        config: the settings of a connector.
        declared: dotted paths that the registry names; items of a list go by the name of the list.
    """
    yield from _walk(config, "", set(declared), hidden=False)


def secret_variables(variables: Mapping[str, str]) -> Iterator[str]:
    """Values of environment variables whose names say that they are secret."""
    return (value for name, value in variables.items() if is_secret_name(name))


def _walk(value: Any, path: str, wanted: set[str], *, hidden: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            full = f"{path}.{name}" if path else name
            secret = hidden or full in wanted or is_secret_name(name)
            yield from _walk(child, full, wanted, hidden=secret)
    elif isinstance(value, list):
        for child in value:
            yield from _walk(child, path, wanted, hidden=hidden)
    elif hidden and value is not None and not isinstance(value, bool):
        yield str(value)


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a value shows up in logs: as it is, escaped in JSON, quoted in a URL."""
    parts = [secret, *secret.splitlines()] if "\n" in secret else [secret]
    for part in parts:
        for form in (
            part,
            json.dumps(part)[1:-1],
            json.dumps(part, ensure_ascii=False)[1:-1],
            quote(part),
            quote(part, safe=""),
            quote_plus(part),
        ):
            if len(form.strip()) >= SHORTEST:
                yield form
