"""Where things stand in this checkout."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
BIN = Path(sys.executable).parent
"""The executables of the environment that runs the tests: `tap-csv`, `target-parquet`, `dativo`."""
