"""Secrets known by the name before them: `password=…`, `"token": "…"`, `Authorization: …`, `//user:…@`."""

from __future__ import annotations

import re
from functools import cache

_SECRET_NAME = re.compile(
    r"(^|[_-])pass$|passw(or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential"
    r"|connection[_-]?(string|url)|dsn$|authorization",
    re.IGNORECASE,
)
_NAME = (
    # Bounded on both sides: else a long line full of such words is looked through again from each of them.
    r"[\w-]{0,64}?(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential"
    r"|(?<![A-Za-z])pass(?![A-Za-z])|(?<![A-Za-z])dsn(?![A-Za-z]))[\w-]{0,64}"
)
_QUOTED = r"""\\"(?:[^"\\]|\\[^"])*\\"|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_PAIR = rf"""(?P<before> (?<![\w-]) {_NAME} = ) (?P<value> {_QUOTED} | [^\s,;&"'\]\}}\)]+ )  # name=value
      | (?P<before2> \\?["'] {_NAME} \\?["'] \s* : \s* ) (?P<value2> {_QUOTED} | -?[0-9][\w.]* )   # "name": …
      | (?P<before3> (?<![\w.'"-]) {_NAME} :\s+ ) (?P<value3> {_QUOTED} | [^\s,;&]+ (?= \s*(?:[,;}}]|$) ) )
      | (?P<before4> \bauthorization["']? \s* [:=] \s*["']? (?:(?:basic|bearer)\s+)? )
        (?P<value4> [^\s"',;]+ )
      | (?P<before5> :// [^\s/:@]* : ) (?P<value5> [^\s/]+ ) (?=@)
    """
_HINT = re.compile(r"pass|secret|token|key|credential|dsn|authorization|://[^\s/]*@", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a setting or variable of this name is to be taken for a secret."""
    return _SECRET_NAME.search(name) is not None


def hide_by_key(text: str, mask: str) -> str:
    """Replaces values that stand beside a secret name.

    A name, a colon and several words is a sentence (`password: expected a text`), and stays.

    Args:
        mask: what takes their place.
    """
    return _pair().sub(lambda match: _masked(match, mask), text) if _HINT.search(text) else text


@cache
def _pair() -> re.Pattern[str]:
    """Compiled when the first text hints at a secret: it takes longer than all other patterns together."""
    return re.compile(_PAIR, re.VERBOSE | re.IGNORECASE | re.MULTILINE)


def _masked(match: re.Match[str], mask: str) -> str:
    before = next(match[name] for name in _BEFORE if match[name] is not None)
    value = match[0][len(before) :]
    quote = _QUOTE.match(value) or (_QUOTE.match(before) if match["before2"] else None)
    return f"{before}{quote[0]}{mask}{quote[0]}" if quote else before + mask


_QUOTE = re.compile(r"""\\?["']""")
_BEFORE = ("before", "before2", "before3", "before4", "before5")
