"""Projects of Meltano and jobs of dativo-ingest, and all that is made and said of them (cases/*.json).

A case has the texts of its `files` (line by line), the `options` of the migration, and either `problem`, or
what is made: `config` (of the source of the only job), `connectors` (of the registry) or `makes` (any other
file → document; `!!int ${PORT}` is a reference with a type), `states` and `notes`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import ProblemsError
from dativo.jobs.located import load_yaml
from dativo.migrate.everything import migrate

CASES = [
    pytest.param(case, id=f"{file.stem}-{case['case']}")
    for file in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(file.read_text())
]
SECRET = "pl4nted"


class _Tags(yaml.SafeLoader):
    """Leaves references with a type as they are written."""


for _kind in ("int", "bool", "float"):
    _Tags.add_constructor(
        f"tag:yaml.org,2002:{_kind}",
        lambda loader, node, kind=_kind: (
            f"!!{kind} {node.value}"
            if node.style
            else getattr(yaml.SafeLoader, f"construct_yaml_{kind}")(loader, node)
        ),
    )


def migrated(case, root):
    """Migration of a case whose files lie in `root`, and go there."""
    for name, lines in case["files"].items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("".join(f"{line}\n" for line in lines))
    options = dict(case.get("options", {}))
    paths = [root / name for name in options.pop("paths", ["."])]
    export = {"export": root / options.pop("export")} if "export" in options else {}
    to = root / options.pop("to", ".")
    return migrate(paths, to, load_registry([built_in_registry()]), **options, **export)


def read_again(migration):
    """What is made holds no secret, and is read without a complaint."""
    assert SECRET not in "".join([*migration.files.values(), *map(str, migration.notes)])
    for path, text in migration.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        problems = []
        load_yaml(path, problems)
        assert [each for each in problems if "${" not in each.message] == []


def outcome(case, root):
    """What a case gives, in the words of its file."""
    try:
        migration = migrated(case, root)
    except ProblemsError as error:
        return {"problem": str(error).replace(f"{root}/", "").replace(str(root), ".")}
    notes = [str(note).replace(f"{root}/", "").replace(str(root), ".") for note in migration.notes]
    states = {each.job: json.loads(each.text) for each in migration.states}
    makes = {
        str(path.relative_to(root)): yaml.load(text, _Tags)
        for path, text in migration.files.items()
        if path.name != "dativo.yaml"
    }
    if "config" in case:
        (job,) = (each for name, each in makes.items() if name.endswith(".job.yaml"))
        makes = {"config": job["source"]["config"]}
    elif "connectors" in case:
        makes = {"connectors": makes["connectors.yaml"]["connectors"]}
    else:
        makes = {"makes": {name: each for name, each in makes.items() if name != "connectors.yaml"}}
    read_again(migration)
    return {**makes, **({"states": states} if states else {}), "notes": notes}


@pytest.mark.parametrize("case", CASES)
def test_case(case, tmp_path):
    expected = {
        key: case[key]
        for key in ("problem", "config", "connectors", "makes", "states", "notes")
        if key in case
    }
    assert outcome(case, tmp_path) == expected
