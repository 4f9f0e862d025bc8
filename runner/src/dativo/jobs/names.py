"""What names of jobs, tenants, connectors and variables may look like, as a pattern and in words."""

from __future__ import annotations

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""Names of jobs, tags and connectors, suffixes of states: they become parts of file names."""

TENANT = rf"(?![Gg][Ll][Oo][Bb][Aa][Ll]$)(?!.*__){NAME}"
"""Names of tenants: `global` is everyone's scope of secrets, and `__` separates the parts of their names."""

VERSION = r"[A-Za-z0-9][A-Za-z0-9.!+-]{0,63}"
CONNECTOR = rf"{NAME}(?:@{VERSION})?"
VARIABLE = r"(?!DATIVO_SECRET__)[A-Za-z_][A-Za-z0-9_]*"
"""Names of variables that are handed on; never those that hold secrets, which may be another tenant's."""

STORE = "(?:file|s3|gs|az|sqlite|postgres|postgresql):.*"
"""URLs of stores of states, by the kinds that there are."""

_A_NAME = "at most 128 of A-Z, a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"
_WORDS = {
    NAME: _A_NAME,
    TENANT: f"{_A_NAME}, without '__', and not 'global'",
    CONNECTOR: "NAME or NAME@VERSION, such as tap-csv or tap-csv@1.2",
    VARIABLE: "the name of a variable (A-Z, a-z, 0-9, '_'), not beginning with a digit or DATIVO_SECRET__",
    STORE: "file:DIRECTORY, s3://BUCKET/PREFIX, gs://…, az://…, sqlite:///FILE or postgresql://…",
}


def must(pattern: str) -> str:
    """What a text must do that departs from a pattern: "be at most 128 of A-Z, …"."""
    words = _WORDS.get(pattern)
    return f"be {words}" if words else f"match {pattern}"
