"""A project whose connectors tell their settings in files, so that nothing of it needs to be started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from dativo.connectors.registry import Registry, built_in_registry, load_registry
from dativo.jobs.project import Project, find_project
from dativo.jobs.ready import ReadyJob, load_job

if TYPE_CHECKING:
    from dativo.jobs.effective import Overrides

TAP_SETTINGS = {
    "type": "object",
    "properties": {
        "host": {"type": "string", "description": "Where the server is."},
        "port": {"type": "integer", "minimum": 1, "default": 5432},
        "password": {"type": "string", "secret": True},
        "tables": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["host", "password"],
}
TARGET_SETTINGS = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
CAPABILITIES = ["about", "catalog", "discover", "state", "test"]


def _entry(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "distribution": f"dist-{name}",
        "version": "1.2.3",
        "executable": f"./bin/{name}",
        "description": "For tests",
        "maturity": "alpha",
        **more,
    }


class Quiet:
    """A project in the working directory; every path in what is said of it is relative."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        tap = _entry("tap-quiet", "tap", settings="tap.json", capabilities=CAPABILITIES)
        target = _entry("target-quiet", "target", settings="target.json")
        plain = [_entry("tap-plain", "tap"), _entry("mapper-plain", "mapper"), _entry("tap-gone", "tap")]
        self.write("connectors.yaml", yaml.safe_dump({"version": 1, "connectors": [tap, target, *plain]}))
        self.write("tap.json", json.dumps(TAP_SETTINGS))
        self.write("target.json", json.dumps(TARGET_SETTINGS))
        for name in ("tap-quiet", "target-quiet", "tap-plain", "mapper-plain"):
            self.write(f"bin/{name}", f"#!/bin/sh\necho started >> {directory}/started\nexit 9\n").chmod(
                0o755
            )

    def write(self, path: str, text: str) -> Path:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def job(self, path: str = "jobs/users.yaml", **changes: Any) -> Path:
        """Writes a job; what is None is left out."""
        document = {
            "name": "users",
            "source": {"connector": "tap-quiet", "config": {"host": "h", "password": "p"}},
            "target": {"connector": "target-quiet", "config": {"path": "out"}},
            **changes,
        }
        kept = {key: value for key, value in document.items() if value is not None}
        self.write(path, yaml.safe_dump(kept, sort_keys=False))
        return Path(path)

    @property
    def project(self) -> Project:
        return find_project(Path.cwd(), {})

    def registry(self, project: Project | None = None) -> Registry:
        return load_registry([built_in_registry(), *(project or self.project).registries])

    def ready(
        self, file: Path, environ: dict[str, str] | None = None, overrides: Overrides | None = None
    ) -> ReadyJob:
        return load_job(file, self.registry, environ or {}, overrides=overrides)

    @property
    def was_started(self) -> bool:
        """Whether anything has started a connector."""
        return (self.directory / "started").exists()


@pytest.fixture
def quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quiet:
    monkeypatch.chdir(tmp_path)
    return Quiet(tmp_path)
