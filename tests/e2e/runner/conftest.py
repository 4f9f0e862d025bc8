"""A project of several tenants, with connectors that do what they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from runner.tests.conftest import REGISTRY, Project
from runner.tests.observe.conftest import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Tenants(Project):
    """A project whose jobs lie in `jobs/TENANT/NAME.yaml`."""

    def write(self, name: str, document: Any) -> Path:
        """Write a YAML file of the project."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
        return path

    def job_of(self, tenant: str, name: str, source: dict[str, Any], **changes: Any) -> Path:
        """Write a job that loads into `loaded` beside its file."""
        target = {"connector": "target-lines", "config": {"path": "loaded"}}
        job = {"name": name, "tenant": tenant, "retries": {"attempts": 1}, "source": source, "target": target}
        return self.write(f"jobs/{tenant}/{name}.yaml", {**job, **changes})

    def files(self, below: str = ".") -> list[Path]:
        """Every file there."""
        return [path for path in (self.directory / below).rglob("*") if path.is_file()]


@pytest.fixture
def project(tmp_path: Path) -> Tenants:
    directory, temporary = tmp_path / "project", tmp_path / "tmp"
    directory.mkdir()
    temporary.mkdir()
    project = Tenants(directory, {"TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""})
    project.write("registry.yaml", REGISTRY)
    project.write("dativo.yaml", {"version": 1})
    return project


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()
