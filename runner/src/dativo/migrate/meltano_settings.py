"""The configuration of a Meltano plugin: all its layers, secrets taken out."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dativo.errors import Place
from dativo.migrate.pickled import plain_literal
from dativo.migrate.values import converted, holds_password, nested
from dativo.migrate.writing import Tagged
from dativo.secrets.key_values import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.migrate.meltano_project import MeltanoProject, Plugin
    from dativo.migrate.migration import Migration

DATABASE = Path(".meltano", "meltano.db")
_GROUPS = {"tap": "extractors", "target": "loaders", "mapper": "mappers"}


def connector_config(
    plugin: Plugin, project: MeltanoProject, known: Mapping[str, str], migration: Migration
) -> dict[str, Any]:
    """`{"config": …}` of a connector; values of secret settings never get into it."""
    said = dict(plugin.config) | _stored(plugin, project, migration)
    config: dict[str, Any] = {}
    for name, value in said.items():
        if value is None:
            continue
        kind = str(plugin.settings.get(name, {}).get("kind") or "") or None
        # Only after conversion: a variable of meltano.yml may hold the secret.
        meant = converted(value, known, kind)
        if _is_secret(plugin, name) and _is_literal(meant):
            config[name] = _reference(plugin, name, migration)
        else:
            config[name] = _without_secrets(meant, plugin, name, migration)
    for name, variable in _in_dotenv(plugin, project).items():
        if name not in config or not _is_secret(plugin, name):
            config[name] = converted(f"${variable}", {}, plugin.settings.get(name, {}).get("kind"))
    return {"config": nested(config)}


def _is_secret(plugin: Plugin, name: str) -> bool:
    setting = plugin.settings.get(name, {})
    return bool(setting.get("sensitive")) or setting.get("kind") == "password" or is_secret_name(name)


def _is_literal(value: Any) -> bool:
    """Whether the value itself stands there, and not a variable that holds it."""
    text = value.text if isinstance(value, Tagged) else value
    return not (isinstance(text, str) and re.fullmatch(r"\$\{\w+\}", text))


def _reference(plugin: Plugin, name: str, migration: Migration) -> str:
    secret = plugin.name.split("-", 1)[-1]
    field = name.replace(".", "_")
    migration.note(
        f"{plugin.name}: the value of {name!r} is a secret and is not written: give the secret {secret!r} a "
        f"member {field!r} (for instance in DATIVO_SECRET__GLOBAL__{_variable(secret)}__json)",
        plugin.place,
        by_hand=True,
    )
    return f"${{secret:{secret}#{field}}}"


def _without_secrets(value: Any, plugin: Plugin, path: str, migration: Migration) -> Any:
    """Secrets deeper inside of objects, by their names, and addresses with a password in them."""
    if holds_password(value):
        return _reference(plugin, path, migration)
    if isinstance(value, list):
        return [
            _without_secrets(child, plugin, f"{path}.{number}", migration)
            for number, child in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, child in value.items():
        full = f"{path}.{name}"
        is_flag = child is None or isinstance(child, bool)
        if is_secret_name(name) and not is_flag and _is_literal(child):
            result[name] = _reference(plugin, full, migration)
        else:
            result[name] = _without_secrets(child, plugin, full, migration)
    return result


def _variable(name: str) -> str:
    return re.sub(r"\W", "_", name).upper()


def _in_dotenv(plugin: Plugin, project: MeltanoProject) -> dict[str, str]:
    """Setting → variable of .env that overrides it (`TAP_X_HOST`); only names are looked at."""
    file = project.root / ".env"
    if not file.is_file():
        return {}
    prefix = f"{_variable(plugin.name)}_"
    names = re.findall(
        r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", file.read_text(encoding="utf-8"), re.MULTILINE
    )
    settings = [*plugin.settings, *plugin.config]
    by_variable = {prefix + _variable(name.replace(".", "__")): name for name in settings}
    return {by_variable[name]: name for name in names if name in by_variable}


def _stored(plugin: Plugin, project: MeltanoProject, migration: Migration) -> dict[str, Any]:
    """Settings kept in Meltano's database, which go over meltano.yml."""
    file = project.root / DATABASE
    if not file.is_file():
        return {}
    namespace = f"{_GROUPS[plugin.kind]}.{plugin.name}.default"
    found: dict[str, Any] = {}
    try:
        with closing(sqlite3.connect(read_only(file), uri=True)) as database:
            rows = database.execute(
                "SELECT name, value FROM plugin_settings WHERE namespace = ? AND enabled", (namespace,)
            ).fetchall()
    except sqlite3.Error as error:
        migration.note(f"settings in it cannot be read: {error}", Place(file), by_hand=True)
        return {}
    for name, value in rows:
        try:
            found[name] = plain_literal(value)
        except ValueError as error:
            migration.note(f"{plugin.name}: the stored setting {name!r} {error}", Place(file), by_hand=True)
    return found


def read_only(database: Path) -> str:
    """URI of Meltano's database for reading; without locks only where nothing newer stands beside it."""
    how = "mode=ro" if database.with_name(f"{database.name}-wal").exists() else "immutable=1"
    return f"{database.absolute().as_uri()}?{how}"
