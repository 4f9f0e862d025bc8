"""Secrets are hidden in failures that nobody has foreseen too."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


def hide_in_tracebacks() -> None:
    """Lets such a failure end this process with its traceback, less what its redactor knows."""
    sys.excepthook = _show


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # Loaded late: nearly no run gets here.
    from traceback import format_exception

    from dativo.secrets.redact import everywhere

    sys.stderr.write(everywhere()("".join(format_exception(kind, error, trace))))
