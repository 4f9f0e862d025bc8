"""`connectors.yaml`: the project's own registry, to which `dativo install` adds what nobody has listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo.connectors.packages import kind_of, summary_in_venv
from dativo.connectors.probe import secret_paths
from dativo.errors import InstallError, ProblemsError

if TYPE_CHECKING:
    from pathlib import Path

    from dativo.connectors.probe import About
    from dativo.connectors.venvs import Installed

_HEAD = (
    "# yaml-language-server: $schema={schema}\n"
    "# Connectors of this project, in the form of dativo's registry.yaml. `dativo install` adds to it; "
    "change what it\n# guessed (kind, secret_settings, maturity) by hand.\nversion: 1\nconnectors:\n"
)


def add_entry(file: Path, installed: Installed, about: About, given: Path | None, schema: str) -> Path:
    """Adds an entry at the end of the file, which keeps its comments; makes the file if there is none.

    Args:
        given: the directory or the wheel that it was installed from.
        schema: path of the JSON Schema of registries, for editors of a file that is made.

    Raises:
        InstallError: the file does not end with its list of connectors; says what to add by hand.
    """
    from dativo.connectors.registry import load_registry

    before = file.read_text(encoding="utf-8") if file.exists() else None
    block = _block(_entry(installed, about) | _origin(given, file.resolve().parent))
    text = _HEAD.format(schema=schema) if before is None else before
    file.write_text(f"{text}{'' if text.endswith(chr(10)) else chr(10)}{block}", encoding="utf-8")
    try:
        load_registry([file])
    except ProblemsError as error:
        if before is None:
            file.unlink()
        else:
            file.write_text(before, encoding="utf-8")
        raise InstallError(
            f"{installed.name} is installed, but cannot be listed in {file} ({error}); add it by "
            f"hand:\n{block}"
        ) from error
    return file


def _entry(installed: Installed, about: About) -> dict[str, Any]:
    description = about.description or summary_in_venv(installed.prefix, installed.distribution)
    entry: dict[str, Any] = {
        "name": installed.name,
        "kind": kind_of(installed.name),
        "distribution": installed.distribution,
        "version": installed.version,
        "executable": installed.executable.rpartition("/")[2],
        "description": " ".join((description or f"{installed.name}, as it was installed").split()),
        "maturity": "beta",
        "capabilities": list(about.capabilities),
    }
    if secrets := secret_paths(about.settings):
        entry["secret_settings"] = list(secrets)
    return entry


def _origin(given: Path | None, directory: Path) -> dict[str, str]:
    """Where to install it from anew: a path below the project as others will have it too."""
    if given is None:
        return {}
    near = given.is_relative_to(directory)
    path = f"./{given.relative_to(directory)}" if near else str(given)
    return {"source": "path" if given.is_dir() else "wheel", "requirement": path}


def _block(entry: dict[str, Any]) -> str:
    import yaml

    text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=10_000)
    return "".join(f"  {line}\n" for line in text.splitlines())
