"""`${VAR}`, `${VAR:-default}` and `${secret:NAME}` in the texts of a file; `$${` is a literal `${`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dativo.jobs.secret_text import SECRET_NAME, SECRET_VARIABLES, SecretRef, SecretText

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(
    rf"""\$\$\{{                                      # an escaped brace
      | \$\{{secret: (?P<secret>{SECRET_NAME}) (?:\#(?P<field>[\w.-]+))? (?:@(?P<version>[\w.-]+))? \}}
      | \$\{{ (?P<name>[A-Za-z_][A-Za-z0-9_]*) (?: :- (?P<default>(?:[^}}$]|\$(?!\{{))*) )? \}}
      | \$\{{ (?P<wrong>[^}}]*) \}}?                   # anything else that begins like a reference
    """,
    re.VERBOSE,
)


class ExpansionError(ValueError):
    """A reference that cannot be resolved; the text names the variable, never a value."""


@dataclass(slots=True)
class Variables:
    """The environment a job may refer to, and what it did refer to.

    `used` holds name → value of every variable that was read, so that values of secret ones can be kept out
    of the logs.
    """

    environ: Mapping[str, str]
    used: dict[str, str] = field(default_factory=dict)

    def expand(self, text: str) -> str | SecretText:
        """Replaces every variable; a text that refers to secrets becomes a SecretText that waits for them.

        Raises:
            ExpansionError: names all references that are missing or malformed.
        """
        if "${" not in text:
            return text
        wrong: list[str] = []
        parts: list[str | SecretRef] = []
        end = 0
        for match in _REFERENCE.finditer(text):
            parts += [text[end : match.start()], self._meaning(match, wrong)]
            end = match.end()
        parts.append(text[end:])
        if wrong:
            raise ExpansionError("; ".join(wrong))
        return _joined(parts)

    def _meaning(self, match: re.Match[str], wrong: list[str]) -> str | SecretRef:
        if match["wrong"] is not None:
            wrong.append(_complaint(match["wrong"]))
            return ""
        if match["secret"] is not None:
            if ".." in match["secret"]:
                wrong.append(_complaint(match[0][2:-1]))
            return SecretRef(match["secret"], match["field"], match["version"])
        if match["name"] is None:
            return "${"
        return self._value(match["name"], match["default"], wrong)

    def _value(self, name: str, default: str | None, wrong: list[str]) -> str:
        if name.startswith(SECRET_VARIABLES):
            wrong.append(
                f"${{{name}}} may be another tenant's: write ${{secret:NAME}} for the job's own secret"
            )
            return ""
        value = self.environ.get(name)
        if default is not None and not value:
            return default
        if value is None:
            wrong.append(f"${{{name}}} is not set: export {name}, or give a default as ${{{name}:-default}}")
            return ""
        self.used[name] = value
        return value


def _complaint(written: str) -> str:
    if written.startswith("secret:"):
        how = "write ${secret:NAME}, with #FIELD for a member of it, with @VERSION for a version"
        return f"${{{written}}} is no reference to a secret: {how}"
    return f"${{{written}}} is no reference: write ${{NAME}} or ${{NAME:-default}}, or $${{ for a literal"


def _joined(parts: list[str | SecretRef]) -> str | SecretText:
    """The parts with neighbouring texts joined and empty ones gone."""
    joined: list[str | SecretRef] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        elif part:
            joined.append(part)
    if any(isinstance(part, SecretRef) for part in joined):
        return SecretText(tuple(joined))
    return "".join(part for part in joined if isinstance(part, str))
