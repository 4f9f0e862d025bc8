"""`${VAR}` and `${VAR:-default}` in the texts of a job file; `$${` stands for a literal `${`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(
    r"""\$\$\{                                      # an escaped brace
      | \$\{ (?P<name>[A-Za-z_][A-Za-z0-9_]*) (?: :- (?P<default>[^}]*) )? \}
      | \$\{ (?P<wrong>[^}]*) \}?                   # anything else that begins like a reference
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

    def expand(self, text: str) -> str:
        """Replaces every reference; raises ExpansionError naming all that are missing or malformed."""
        if "${" not in text:
            return text
        wrong: list[str] = []
        expanded = _REFERENCE.sub(lambda match: self._value(match, wrong), text)
        if wrong:
            raise ExpansionError("; ".join(wrong))
        return expanded

    def _value(self, match: re.Match[str], wrong: list[str]) -> str:
        name, default = match["name"], match["default"]
        if match["wrong"] is not None:
            how = "write ${NAME} or ${NAME:-default}, or $${ for a literal"
            wrong.append(f"${{{match['wrong']}}} is no reference: {how}")
            return ""
        if name is None:
            return "${"
        value = self.environ.get(name)
        if default is not None and not value:
            return default
        if value is None:
            wrong.append(f"${{{name}}} is not set: export {name}, or give a default as ${{{name}:-default}}")
            return ""
        self.used[name] = value
        return value
