"""docs/first-hour.md is true: its blocks run one after another in a shell, and print what the page shows."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.paths import BIN, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs/first-hour.md"
SECONDS = 240


@dataclass(frozen=True)
class Step:
    """A block of commands, and the lines that the page shows of what it prints."""

    commands: str
    shown: tuple[str, ...]


def steps(page: str) -> list[Step]:
    """The blocks of a page, in its order."""
    found: list[Step] = []
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        if language == "sh":
            found.append(Step(text, ()))
        elif language == "text":
            found[-1] = Step(found[-1].commands, tuple(text.splitlines()))
    return found


def missing(shown: tuple[str, ...], printed: str) -> str | None:
    """The first line that is not printed, after those before it; `…` stands for anything in a line."""
    lines = iter(printed.splitlines())
    for wanted in shown:
        pattern = re.compile(".*".join(map(re.escape, wanted.split("…"))).replace(r"\ ", " +"))
        if not any(pattern.fullmatch(line.rstrip()) for line in lines):
            return wanted
    return None


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a newcomer: a new home, and a free port for the shop."""
    home = tmp_path / "home"
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
    yield {
        "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
        "HOME": str(home),
        "SHOP_PORT": str(port),
        "UV_CACHE_DIR": cache,
        "LANG": "C.UTF-8",
    } | {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_INDEX", "SSL_"))}
    pid = tmp_path / "work/shop/shop.pid"
    if pid.exists() and Path(f"/proc/{pid.read_text()}/cmdline").exists():
        os.kill(int(pid.read_text()), signal.SIGTERM)


def test_the_page_does_what_it_says(tmp_path: Path, environ: dict[str, str]) -> None:
    work, printed = tmp_path / "work", tmp_path / "printed"
    work.mkdir()
    printed.mkdir()
    page = steps(PAGE.read_text())
    script = "".join(
        f"{{\n{step.commands}}} > {printed}/{number} 2>&1 < /dev/null\n" for number, step in enumerate(page)
    )
    with (tmp_path / "said").open("w") as said:
        done = subprocess.run(
            ("bash", "-c", script),
            cwd=work,
            env=environ,
            stdout=said,
            stderr=said,
            timeout=SECONDS,
            check=False,
        )
    for number, step in enumerate(page):
        text = (printed / str(number)).read_text()
        line = missing(step.shown, text)
        assert line is None, f"not printed: {line}\n--- commands\n{step.commands}--- printed\n{text}"
    assert done.returncode == 0, (tmp_path / "said").read_text()


def test_a_line_that_is_not_printed_is_found() -> None:
    assert missing(("a … c", "d"), "a b c\nx\nd\n") is None
    assert missing(("d", "a … c"), "a b c\nd\n") == "a … c"
    assert missing(("a … c",), "a b cc\n") == "a … c"
