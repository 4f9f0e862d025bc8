"""Documents are true: links lead somewhere, the README opens with the two commands that matter."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.repo.files import files_named
from tests.repo.rooms import rooms

DOCUMENTS = files_named(".md")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
FENCE = re.compile(r"```(?:sh|bash|console)?\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [link for link in local_links(path) if not leads_somewhere(path, link)]
    assert broken == []


def test_the_readme_begins_with_demo_and_test() -> None:
    commands = [
        line.split("#")[0].strip() for block in FENCE.findall(readme()) for line in block.splitlines()
    ]
    assert [command for command in commands if command][:2] == ["make demo", "make test"]


def test_the_readme_names_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(FENCE.findall(readme()))))
    assert {"demo", "test"} <= named <= targets


def test_every_distribution_ships_the_readme_that_it_names() -> None:
    for room in rooms():
        assert (ROOT / room.member / room.project.get("readme", "pyproject.toml")).exists(), room.member


def test_every_dependency_says_what_it_is_for() -> None:
    decision = (ROOT / "docs/decisions/0001-workspace-and-dependencies.md").read_text()
    named = set(re.findall(r"[\w-]+", " ".join(re.findall(r"^\| (.*?) \|", decision, re.MULTILINE))))
    assert {name for name in dependencies() if name.lower() not in {each.lower() for each in named}} == set()


def dependencies() -> set[str]:
    """Everything from outside that a manifest of ours names."""
    ours = {room.distribution for room in rooms()} | {"dativo-core", "dativo-oracle"}
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    python = [one for room in rooms() for one in room.requirements()] + root
    names = {re.split(r"[^\w.-]", requirement)[0] for requirement in python}
    for manifest in [path for path in files_named(".toml") if path.name == "Cargo.toml"]:
        cargo = tomllib.loads((ROOT / manifest).read_text())
        names |= {name for table in ("dependencies", "dev-dependencies") for name in cargo.get(table, {})}
    return names - ours


def readme() -> str:
    return (ROOT / "README.md").read_text()


def local_links(path: Path) -> list[str]:
    text = CODE.sub("", (ROOT / path).read_text())
    return [link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]


def leads_somewhere(path: Path, link: str) -> bool:
    target, _, anchor = link.partition("#")
    file = (ROOT / path.parent / target).resolve() if target else ROOT / path
    return file.exists() and (not anchor or anchor in anchors(file))


def anchors(file: Path) -> set[str]:
    """The headings of a document as their links spell them."""
    headings = re.findall(r"^#+ +(.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
