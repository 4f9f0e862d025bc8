"""Foreign Singer tools, each in an environment of its own, pinned by `tools/NAME.txt`.

They are made under `.cache/tools` on first use, and anew when their requirement file or the Python changes.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.paths import CACHE

REQUIREMENTS = Path(__file__).parent / "tools"


def tool_bin(name: str) -> Path:
    """The directory of the tool's executables, installed before this returns."""
    home = CACHE / "tools" / name
    stamp = home / "stamp"
    wanted = _fingerprint(name)
    home.parent.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes, and any of them may be the first that needs the tool.
    with home.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            _install(name, home)
            stamp.write_text(wanted)
    return home / "bin"


def uv() -> str:
    """The package installer: the one on PATH, else the one that `make` bootstrapped."""
    found = shutil.which("uv") or shutil.which("uv", path=CACHE / "uv" / "bin")
    if found is None:
        raise FileNotFoundError("uv is neither on PATH nor in .cache/uv/bin: run `make setup` first")
    return found


def _fingerprint(name: str) -> str:
    requirements = (REQUIREMENTS / f"{name}.txt").read_bytes()
    return hashlib.sha256(requirements + sys.version.encode()).hexdigest()


def _install(name: str, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    _run(uv(), "venv", "--quiet", "--python", sys.executable, str(home))
    requirements = str(REQUIREMENTS / f"{name}.txt")
    _run(uv(), "pip", "install", "--quiet", "--python", str(home / "bin" / "python"), "-r", requirements)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} exited {done.returncode}:\n{done.stderr}")
