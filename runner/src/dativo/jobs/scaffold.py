"""`dativo new`: the text of a job file to start from, with every setting that its connectors know."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dativo.connectors.programs import Program

FILL_IN = "FILL-IN"
WIDTH = 100
_EMPTY: Mapping[str, Any] = {"array": [], "object": {}, "integer": 0, "number": 0, "boolean": False}


@dataclass(frozen=True, slots=True)
class Part:
    """One connector of the job to write, and the JSON Schema of its settings if it tells.

    Attributes:
        spec: as the job names it, with `@VERSION` or without.
    """

    spec: str
    program: Program
    settings: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Scaffold:
    """A job file to be written.

    Attributes:
        open: settings that somebody has to fill in, such as `source.config.host`.
        secrets: references that stand in it.
    """

    text: str
    open: tuple[str, ...]
    secrets: tuple[str, ...]


def scaffold(name: str, tenant: str | None, source: Part, target: Part, schema: str) -> Scaffold:
    """Writes the text of a job.

    Args:
        schema: path or URL of the JSON Schema, as the job file refers to it.
    """
    writer = _Writer()
    lines = [f"# yaml-language-server: $schema={schema}", f"name: {_yaml(name)}"]
    if tenant:
        lines.append(f"tenant: {_yaml(tenant)}")
    for side, part in (("source", source), ("target", target)):
        lines += [f"{side}:", f"  connector: {part.spec}", *writer.config(side, part)]
        if side == "source" and part.program.connector.can("catalog"):
            lines += [
                "  # What to load; left out, the tap decides. `dativo discover` prints what there is.",
                '  # select: ["users.*", "!users.password"]',
            ]
    lines += [
        "# More keys: schedule, retries, limits, timeouts, notifications, sandbox; see docs/jobs.md.",
    ]
    return Scaffold("\n".join(lines) + "\n", tuple(writer.open), tuple(writer.secrets))


class _Writer:
    """Writes settings, and remembers what is left to do."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.secrets: list[str] = []

    def config(self, side: str, part: Part) -> Iterator[str]:
        schema = part.settings or {}
        properties = schema.get("properties") or {}
        if not properties:
            yield "  config: {}"
            return
        required = set(schema.get("required", ()))
        needed = {name: each for name, each in properties.items() if name in required}
        yield "  config:" if needed else "  config: {}"
        for name, each in needed.items():
            yield from _comment(each, "    ")
            yield f"    {name}: {self._value(side, part, name, each)}"
        for name, each in properties.items():
            if name not in required:
                value = self._reference(part, name) if _is_secret(each) else _flow(_sample(each))
                yield f"    # {name}: {value}{_remark(each)}"

    def _value(self, side: str, part: Part, name: str, schema: Mapping[str, Any]) -> str:
        if _is_secret(schema):
            reference = self._reference(part, name)
            self.secrets.append(reference)
            return reference
        if "default" not in schema:
            self.open.append(f"{side}.config.{name}")
            return f"{_flow(_sample(schema))}  # {FILL_IN}"
        return _flow(schema["default"])

    @staticmethod
    def _reference(part: Part, name: str) -> str:
        """One secret a connector, one member a setting: `${secret:postgres#password}`."""
        return f"${{secret:{part.program.name.split('-', 1)[-1]}#{name}}}"


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("secret") or schema.get("writeOnly"))


def _sample(schema: Mapping[str, Any]) -> Any:
    """The default, an example, or something of the right type."""
    if schema.get("default") is not None:
        return schema["default"]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kinds = kind if isinstance(kind, list) else [kind]
    return next((_EMPTY[each] for each in kinds if each in _EMPTY), FILL_IN)


def _comment(schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    text = " ".join(str(schema.get("description", "")).split())
    for line in textwrap.wrap(text, WIDTH - len(indent)):
        yield f"{indent}# {line}"


def _remark(schema: Mapping[str, Any]) -> str:
    text = " ".join(str(schema.get("description", "")).split())
    return f"  # {textwrap.shorten(text, WIDTH, placeholder=' …')}" if text else ""


def _flow(value: Any) -> str:
    """YAML on one line, with braces of references escaped."""
    return _yaml(value).replace("${", "$${")


def _yaml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
