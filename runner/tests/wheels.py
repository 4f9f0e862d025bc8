"""Wheels of small connectors, made without a build tool."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SINGER = """
import json, sys

def main():
    if "--about" in sys.argv:
        print(json.dumps({about}))
    elif "--version" in sys.argv:
        print("{name} {version}")
    else:
        sys.exit("not asked")
"""

SETTINGS = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "description": "Where."},
        "auth": {"type": "object", "properties": {"key": {"type": "string", "secret": True}}},
    },
    "required": ["url"],
}


def make_wheel(
    directory: Path,
    name: str,
    version: str,
    *,
    scripts: tuple[str, ...] | None = None,
    source: str | None = None,
    summary: str = "",
) -> Path:
    """Writes `NAME-VERSION-py3-none-any.whl` with one module and its console scripts."""
    module = name.replace("-", "_")
    about = {
        "name": name,
        "version": version,
        "description": f"The {name} of a test.",
        "capabilities": ["discover", "catalog"],
        "settings": SETTINGS,
    }
    if source is None:
        source = SINGER.replace("{about}", repr(about)).replace("{name}", name).replace("{version}", version)
    info = f"{module}-{version}.dist-info"
    points = "".join(f"{script} = {module}:main\n" for script in (scripts or (name,)))
    files = {
        f"{module}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Summary: {summary}\n" if summary else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{points}",
    }
    record = "".join(f"{path},{_digest(text)},{len(text.encode())}\n" for path, text in files.items())
    directory.mkdir(parents=True, exist_ok=True)
    wheel = directory / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return wheel


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
