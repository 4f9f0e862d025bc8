"""Writes every generated reference anew: types, jobs, settings of connectors, meltano.yml, the C header.

Tests hold each of them against its source; `make docs` is what a failing one asks for.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import meltano
from dativo.connectors.reference import SCHEMA_FILE as REGISTRY_SCHEMA_FILE
from dativo.connectors.reference import registry_reference, registry_schema
from dativo.jobs.reference import job_reference, project_reference
from dativo.jobs.schema import PROJECT_SCHEMA_FILE, SCHEMA_FILE, job_schema, project_schema
from dativo_protocol.about import settings_markdown
from dativo_protocol.config import Connector, settings_schema
from dativo_protocol.typetable import render_types_page

ROOT = Path(__file__).resolve().parent.parent
SETTINGS_TABLE = re.compile(r"\| Setting \| Required \|.*?(?=\n\n)\n", re.DOTALL)


def main() -> None:
    (ROOT / "docs/types.md").write_text(render_types_page())
    (ROOT / "docs/jobs.md").write_text(job_reference())
    (ROOT / "docs/project.md").write_text(project_reference())
    (ROOT / "docs/connectors.md").write_text(registry_reference())
    formats = ROOT / "runner/src/dativo/jobs"
    (formats / SCHEMA_FILE).write_text(json.dumps(job_schema(), indent=2) + "\n")
    (formats / PROJECT_SCHEMA_FILE).write_text(json.dumps(project_schema(), indent=2) + "\n")
    registries = ROOT / "runner/src/dativo/connectors"
    (registries / REGISTRY_SCHEMA_FILE).write_text(json.dumps(registry_schema(), indent=2) + "\n")
    for executable in sorted(ROOT.glob("t*/t*/src/*/__main__.py")):
        connector = importlib.import_module(f"{executable.parent.name}.__main__").CONNECTOR
        _renew_settings(executable.parents[2] / "README.md", connector)
        schema = json.dumps(settings_schema(connector.settings), indent=2)
        (ROOT / "registry" / f"{connector.name}.settings.json").write_text(schema + "\n")
    meltano.main()
    subprocess.run([sys.executable, "-m", "tests.fidelity.page"], cwd=ROOT, check=True)
    subprocess.run(
        ["cargo", "test", "--locked", "--quiet", "-p", "dativo-ffi", "--test", "header"],
        cwd=ROOT / "native",
        env=os.environ | {"UPDATE_HEADER": "1"},
        check=True,
    )


def _renew_settings(readme: Path, connector: Connector[Any]) -> None:
    table = settings_markdown(connector)
    readme.write_text(SETTINGS_TABLE.sub(lambda _: table, readme.read_text(), count=1))


if __name__ == "__main__":
    main()
