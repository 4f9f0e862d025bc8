"""docs/first-hour.md is true: its blocks run one after another in a shell, and print what the page shows."""

from __future__ import annotations

import contextlib
import os
import random
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
SECONDS = 600


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
    """What of a page's block is not what is printed: the first of its lines, or one that it does not show.

    `…` stands for anything in a line, a line of `…` alone for any number of lines.
    """
    text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    patterns = [_pattern(line) for line in shown]
    if re.fullmatch("".join(patterns), text):
        return None
    for count, line in enumerate(shown, 1):
        if not re.match("".join(patterns[:count]), text):
            return line
    return "the last line of the block, and nothing after it"


def _pattern(line: str) -> str:
    """Columns are as wide as what is in them, so any number of blanks stands for any other."""
    if line == "…":
        return r"(?:.*\n)*?"
    pieces = (re.sub(r"(?:\\ )+", " +", re.escape(piece)) for piece in line.split("…"))
    return ".*".join(pieces) + r" *\n"


def free_port() -> int:
    """A port that nobody gets who asks the kernel for any: it stays free until the shop opens."""
    first_of_the_kernel = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(first_of_the_kernel // 2, first_of_the_kernel)
        with socket.socket() as candidate, contextlib.suppress(OSError):
            candidate.bind(("127.0.0.1", port))
            return port


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a newcomer: a new home, and a free port for the shop."""
    home = tmp_path / "home"
    home.mkdir()
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
    yield {
        "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
        "HOME": str(home),
        "SHOP_PORT": str(free_port()),
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


def test_a_line_that_is_not_printed_is_found_and_so_is_one_that_is_not_shown() -> None:
    assert missing(("a … c", "d"), "a b c\nd\n") is None
    assert missing(("…    b   c …",), "a  b  c  d\n") is None
    assert missing(("a", "…", "d", "…"), "a  \nb\nc\nd\n") is None
    assert missing(("d", "a … c"), "a b c\nd\n") == "d"
    assert missing(("a … c",), "a b cc\n") == "a … c"
    assert missing(("a", "c"), "a\nb\nc\n") == "c"
    assert missing(("a",), "a\nb\n") is not None
    assert missing((), "a\n") is not None
