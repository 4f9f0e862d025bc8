"""Keeps secrets out of everything that the runner prints or passes on: by key, and by value."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from dativo.secrets.key_values import hide_by_key, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MASK = "****"
SHORTEST = 4
"""Values shorter than this are not searched for: masking every `a` would say more than it hides."""
SHORTEST_BASE64 = 8
"""In base64 eight characters stand for six: shorter pieces are found in texts by chance."""


class Redactor:
    """Replaces secrets in texts: known values in every form, and what stands under a name that says secret.

    Args:
        secrets: the values; numbers count too, a text of several lines also line by line.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Learns more values."""
        self._learn({form for secret in secrets for form in _forms(secret)})

    def _learn(self, found: set[str]) -> None:
        if found - self._forms:
            self._forms |= found
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    @property
    def forms(self) -> frozenset[str]:
        """Every form of every value, for `know` of another process."""
        return frozenset(self._forms)

    def know(self, forms: Iterable[str]) -> None:
        """Takes over what another redactor has learnt."""
        self._learn(set(forms))

    def __call__(self, text: str) -> str:
        return hide_by_key(self.values(text), MASK)

    def values(self, text: str) -> str:
        """Replaces known values alone."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def fields(self, value: Any) -> Any:
        """The same JSON-like data with every secret in it replaced, by key and by value."""
        if isinstance(value, dict):
            return {
                self.values(str(name)): MASK if _hides(name, child) else self.fields(child)
                for name, child in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.fields(child) for child in value]
        return self(value) if isinstance(value, str) else value

    def safe_cut(self, data: bytes, at: int) -> int:
        """Where to cut a line that is too long, so that no value is cut in two: `at`, or somewhat before.

        Args:
            data: the line as far as it has come.
            at: where it would be cut; a line that begins with a value as long as that is cut there.
        """
        forms = [form.encode() for form in self._forms]
        cut = _crossing(forms, data, at, begun=True)
        # Going back may lead into another value, one that is whole.
        while (earlier := _crossing(forms, data, cut, begun=False)) < cut:
            cut = earlier
        return cut


_EVERYWHERE = Redactor()


def everywhere() -> Redactor:
    """The redactor of this process; what it has learnt is kept out of errors too."""
    return _EVERYWHERE


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


def _hides(name: object, child: Any) -> bool:
    return is_secret_name(str(name)) and child is not None and not isinstance(child, bool)


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a value shows up: as it is, escaped in JSON, quoted in a URL, in base64."""
    parts = [secret, *secret.splitlines()] if "\n" in secret else [secret]
    for part in parts:
        if len(part.strip()) < SHORTEST:
            continue
        yield from {
            part,
            json.dumps(part)[1:-1],
            json.dumps(part, ensure_ascii=False)[1:-1],
            repr(part)[1:-1],
            quote(part, errors="replace"),
            quote(part, safe="", errors="replace"),
            quote_plus(part, errors="replace"),
        }
        yield from _base64_forms(part)


def _base64_forms(part: str) -> Iterator[str]:
    """What base64 makes of it at each of the three places in a longer text, such as `user:value`.

    Characters that depend on the neighbours are left out.
    """
    data = part.encode(errors="replace")
    for offset in range(3):
        whole = (len(data) + offset) * 8 // 6
        text = base64.b64encode(bytes(offset) + data).decode()[(offset * 8 + 5) // 6 : whole]
        if len(text) >= SHORTEST_BASE64:
            yield text
            yield text.replace("+", "-").replace("/", "_")


def _crossing(forms: Sequence[bytes], data: bytes, at: int, *, begun: bool) -> int:
    """Where the first form that lies across `at` begins; `at` if there is none.

    Args:
        begun: count those too whose end has not come yet.
    """
    longest = max(map(len, forms), default=0)
    for start in range(max(at - longest + 1, 1), at):
        piece = data[start : start + longest]
        for form in forms:
            if len(form) > at - start and (piece.startswith(form) or (begun and form.startswith(piece))):
                return start
    return at
