"""YAML of files that a migration makes: keys in order, references with the type that they had."""

from __future__ import annotations

from typing import Any

import yaml

from dativo.records import dataclass

SCHEMA_LINE = "# yaml-language-server: $schema={}\n"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A text with references that gives something else than a text: `port: !!int ${PORT}`."""

    kind: str
    text: str


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        del indentless
        return super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _tagged(dumper: _Dumper, value: Tagged) -> yaml.ScalarNode:
    return dumper.represent_scalar(f"tag:yaml.org,2002:{value.kind}", value.text, style='"')


_Dumper.add_representer(Tagged, _tagged)


def yaml_text(document: Any, *, head: str = "") -> str:
    """YAML of JSON-like data with Tagged in it."""
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return head + body
