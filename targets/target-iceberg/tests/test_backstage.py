"""What has to be there before the thread of the catalog begins."""

from __future__ import annotations

import sys

from dativo_protocol.testing import run


def test_what_pyarrow_looks_for_is_imported_before_there_are_threads() -> None:
    """It imports zoneinfo to give a timestamp as a Python value; half imported by others, it is not found."""
    code = "import sys, target_iceberg.backstage; sys.exit('zoneinfo' not in sys.modules)"
    assert run([sys.executable, "-c", code]).code == 0
