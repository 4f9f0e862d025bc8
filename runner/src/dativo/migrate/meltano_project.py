"""A Meltano project as its files say it: plugins with all layers, one environment, tasks, schedules."""

from __future__ import annotations

import json
from dataclasses import field
from glob import glob
from typing import TYPE_CHECKING, Any

from dativo.errors import Place, Problem, ProblemsError
from dativo.jobs.located import Located, load_yaml
from dativo.migrate.values import deep_merged
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dativo.migrate.migration import Migration

GROUPS = {"extractors": "tap", "loaders": "target", "mappers": "mapper"}
EXTRAS = (
    "select",
    "select_filter",
    "metadata",
    "schema",
    "catalog",
    "load_schema",
    "state",
    "use_cached_catalog",
)
_PLUGIN_KEYS = {
    *EXTRAS, "name", "inherit_from", "variant", "pip_url", "executable", "namespace",
    "capabilities", "settings", "config", "mappings", "env", "label", "description", "docs", "repo",
    "ext_repo", "logo_url", "definition", "keywords", "maintenance_status", "quality", "hidden",
    "settings_group_validation", "settings_preamble", "next_steps", "usage", "prereq", "domain_url",
    "supported_python_versions", "hub_link", "python",
}  # fmt: skip
_PROJECT_KEYS = {
    "version", "default_environment", "environments", "plugins", "jobs", "schedules", "env",
    "project_id", "send_anonymous_usage_stats", "project_readonly", "hub_url", "cli", "python",
    "venv", "ui", "include_paths",
}  # fmt: skip
_INCLUDED_KEYS = {"environments", "plugins", "jobs", "schedules"}
_ENVIRONMENT_KEYS = {"name", "config", "env", "state_id_suffix"}


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin with what it inherits, its lock file and the environment merged in.

    Attributes:
        kind: `tap`, `target` or `mapper`.
        base: the plugin that brings the program, at the end of `inherit_from`.
        settings: name → definition.
        config: name → value, of all layers.
        extras: `select`, `metadata` and the like.
    """

    name: str
    kind: str
    base: str
    place: Place
    pip_url: str | None
    executable: str | None
    variant: str | None
    namespace: str
    capabilities: tuple[str, ...]
    settings: Mapping[str, Mapping[str, Any]]
    config: Mapping[str, Any]
    extras: Mapping[str, Any]
    mappings: Mapping[str, Mapping[str, Any]]
    env: Mapping[str, str]


@dataclass(slots=True)
class MeltanoProject:
    """What a migration needs of a project.

    Attributes:
        plugins: (kind, name) → plugin.
        tasks: Meltano job → the tasks of it, each a list of words.
        schedules: as they stand in the file, each with its place.
    """

    root: Path
    file: Path
    environment: str | None
    suffix: str | None
    env: dict[str, str]
    plugins: dict[tuple[str, str], Plugin] = field(default_factory=dict)
    tasks: dict[str, list[tuple[list[str], Place]]] = field(default_factory=dict)
    schedules: list[tuple[dict[str, Any], Place]] = field(default_factory=list)

    def plugin(self, kind: str, name: str) -> Plugin | None:
        return self.plugins.get((kind, name))

    def mapping(self, name: str) -> Plugin | None:
        """The mapper that has a mapping of this name."""
        return next((each for each in self.plugins.values() if name in each.mappings), None)


def read_meltano(file: Path, environment: str | None, migration: Migration) -> MeltanoProject:
    """Reads meltano.yml with its lock files.

    Args:
        file: meltano.yml.
        environment: which one; left out, the default one.
        migration: is told of every key that is not understood.

    Raises:
        ProblemsError: the file is not YAML, or there is no such environment.
    """
    document = _loaded(file, migration)
    included = [_loaded(each, migration) for each in _included(file, document)]
    return _Reader(file, document, included, environment, migration).project()


def _loaded(file: Path, migration: Migration) -> Located:
    problems: list[Problem] = []
    document = load_yaml(file, problems)
    for problem in problems:
        migration.note(problem.message, problem.place, by_hand=True)
    if not isinstance(document.value, dict):
        raise ProblemsError([Problem(document.place, "must hold a mapping, not a list or text")])
    return document


def _included(file: Path, document: Located) -> list[Path]:
    """Files that `include_paths` names, each once."""
    patterns = document.plain().get("include_paths") or ()
    root = file.parent
    # Not Path.glob: it refuses patterns that are absolute or empty.
    found = [name for each in patterns for name in sorted(glob(str(each), root_dir=root, recursive=True))]  # noqa: PTH207
    return [root / name for name in dict.fromkeys(found) if (root / name).is_file() and root / name != file]


class _Reader:
    """Args as of `read_meltano`; `included` adds to the lists of `document`, and to nothing else."""

    def __init__(
        self,
        file: Path,
        document: Located,
        included: Sequence[Located],
        environment: str | None,
        migration: Migration,
    ) -> None:
        self._file = file
        self._document = document
        self._documents = [document, *included]
        self._migration = migration
        self._plain = document.plain()
        self._environment = self._chosen(environment)
        self._said: dict[tuple[str, str], tuple[dict[str, Any], Place]] = {}

    def project(self) -> MeltanoProject:
        self._unknown(self._document, _PROJECT_KEYS, "")
        for included in self._documents[1:]:
            self._unknown(included, _INCLUDED_KEYS, "")
        chosen = self._environment
        project = MeltanoProject(
            self._file.parent,
            self._file,
            chosen.get("name"),
            chosen.get("state_id_suffix"),
            _texts(self._plain.get("env")) | _texts(chosen.get("env")),
        )
        for kind, located in self._entries():
            each = located.plain()
            self._said[kind, each["name"]] = each, located.place
        for (kind, name), (_, place) in self._said.items():
            project.plugins[kind, name] = self._plugin(kind, name, place)
        project.tasks = dict(self._tasks())
        project.schedules = [(each.plain(), each.place) for each in self._list("schedules")]
        return project

    def _chosen(self, name: str | None) -> dict[str, Any]:
        environments = {each.plain().get("name"): each for each in self._list("environments")}
        name = name or self._plain.get("default_environment")
        if name is None:
            return {}
        if name not in environments:
            known = ", ".join(map(str, environments)) or "none"
            raise ProblemsError(
                [Problem(self._document.place, f"no environment {name!r}; there are: {known}")]
            )
        self._unknown(environments[name], _ENVIRONMENT_KEYS, f"environment {name}: ")
        plain: dict[str, Any] = environments[name].plain()
        return plain

    def _list(self, *path: str) -> list[Located]:
        return [each for document in self._documents for each in _list_in(document, path)]

    def _entries(self) -> Iterator[tuple[str, Located]]:
        for group, kind in GROUPS.items():
            for located in self._list("plugins", group):
                if isinstance(located.value, dict) and "name" in located.value:
                    self._unknown(located, _PLUGIN_KEYS, f"{located.plain()['name']}: ")
                    yield kind, located
        for document in self._documents:
            plugins = document.value.get("plugins")
            for group in plugins.value if plugins is not None and isinstance(plugins.value, dict) else ():
                if group not in GROUPS:
                    message = f"plugins.{group} have no counterpart here: run them beside dativo"
                    self._migration.note(message, plugins.key_places[group], by_hand=True)

    def _plugin(self, kind: str, name: str, place: Place) -> Plugin:
        chain = self._chain(kind, name)
        layers = [self._locked(kind, each) for each in chain[:1]]
        layers += [self._said[kind, each][0] for each in chain if (kind, each) in self._said]
        layers.append(self._of_environment(kind, name))
        merged: dict[str, Any] = {}
        settings: dict[str, Any] = {}
        for layer in layers:
            merged = deep_merged(merged, _with_extras(layer))
            settings.update({each["name"]: each for each in layer.get("settings") or () if "name" in each})
        defaults = {key: each["value"] for key, each in settings.items() if each.get("value") is not None}
        config = {**defaults, **merged.get("config", {})}
        own = self._said[kind, name][0]
        base = name if own.get("pip_url") or own.get("executable") else chain[0]
        return Plugin(
            name=name,
            kind=kind,
            base=base,
            place=place,
            pip_url=merged.get("pip_url"),
            executable=merged.get("executable"),
            variant=merged.get("variant"),
            namespace=str(merged.get("namespace") or base.replace("-", "_")),
            capabilities=tuple(merged.get("capabilities") or ()),
            settings=settings,
            config=config,
            extras={key: merged[key] for key in EXTRAS if key in merged},
            mappings={each["name"]: each.get("config") or {} for each in merged.get("mappings") or ()},
            env=_texts(merged.get("env")),
        )

    def _chain(self, kind: str, name: str) -> list[str]:
        """What a plugin inherits from, the root first."""
        chain = [name]
        while (kind, chain[0]) in self._said:
            above = self._said[kind, chain[0]][0].get("inherit_from")
            if not above or above in chain:
                break
            chain.insert(0, str(above))
        return chain

    def _locked(self, kind: str, name: str) -> dict[str, Any]:
        """The definition in a lock file, for plugins that only name a variant."""
        group = next(group for group, each in GROUPS.items() if each == kind)
        found = sorted((self._file.parent / "plugins" / group).glob(f"{name}--*.lock"))
        variant = self._said.get((kind, name), ({}, None))[0].get("variant")
        for file in found:
            try:
                definition: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                self._migration.note("cannot be read as JSON", Place(file), by_hand=True)
                continue
            if variant in (None, definition.get("variant")):
                return {key: value for key, value in definition.items() if key != "name"}
        return {}

    def _of_environment(self, kind: str, name: str) -> dict[str, Any]:
        group = next(group for group, each in GROUPS.items() if each == kind)
        plugins = ((self._environment.get("config") or {}).get("plugins") or {}).get(group) or []
        for each in plugins:
            if each.get("name") == name:
                return dict(each)
        return {}

    def _tasks(self) -> Iterator[tuple[str, list[tuple[list[str], Place]]]]:
        for job in self._list("jobs"):
            plain = job.plain()
            tasks = [(str(task.value).split(), task.place) for task in _flat(job.value.get("tasks"))]
            yield str(plain.get("name")), tasks

    def _unknown(self, located: Located, known: set[str], whose: str) -> None:
        for name, place in located.key_places.items():
            if name not in known:
                message = f"{whose}{name!r} is not carried over"
                self._migration.note(message, place, by_hand=True)


def _list_in(document: Located, path: Sequence[str]) -> list[Located]:
    here = document
    for step in path:
        if not isinstance(here.value, dict) or step not in here.value:
            return []
        here = here.value[step]
    return here.value if isinstance(here.value, list) else []


def _flat(located: Located | None) -> Iterator[Located]:
    """Tasks may be a text, a list of texts, or lists of lists."""
    if located is None:
        return
    if isinstance(located.value, list):
        for child in located.value:
            yield from _flat(child)
    elif isinstance(located.value, str):
        yield located


def _with_extras(layer: Mapping[str, Any]) -> dict[str, Any]:
    """`config._select` is `select`."""
    config = dict(layer.get("config") or {})
    extras = {key[1:]: config.pop(key) for key in list(config) if key.startswith("_") and key[1:] in EXTRAS}
    return {**layer, "config": config, **extras}


def _texts(mapping: Any) -> dict[str, str]:
    if not isinstance(mapping, dict):
        return {}
    return {str(name): str(value) for name, value in mapping.items() if value is not None}
