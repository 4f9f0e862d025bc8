"""What holds one handle of the native library and nothing else."""

from __future__ import annotations

from typing import Any, ClassVar

from dativo_native._abi import ffi
from dativo_native._call import invalid
from dativo_native.closing import Closing


class Handled(Closing):
    """Frees its handle once; what comes after that is refused, with the name of the thing."""

    _named: ClassVar[str]
    _handle: Any

    def close(self) -> None:
        """Frees it; may be repeated."""
        handle, self._handle = self._handle, None
        if handle is not None:
            ffi.release(handle)

    def _open(self) -> Any:
        if self._handle is None:
            raise invalid(f"{self._named} is closed")
        return self._handle
