"""Arrow across the boundary, by the Arrow C Data Interface.

pyarrow is imported only where a batch is made: whoever reads no records does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo_native._abi import ffi, lib
from dativo_native._call import call

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


def export_schema(schema: pa.Schema) -> Any:
    """An `ArrowSchema *` that the library moves the schema out of."""
    exported = ffi.new("ArrowSchema *")
    schema._export_to_c(_address(exported))  # noqa: SLF001 - the C Data Interface of pyarrow
    return exported


def export_batch(batch: pa.RecordBatch) -> tuple[Any, Any]:
    """An `ArrowSchema *` and an `ArrowArray *` that the library moves the batch out of."""
    schema, array = ffi.new("ArrowSchema *"), ffi.new("ArrowArray *")
    batch._export_to_c(_address(array), _address(schema))  # noqa: SLF001
    return schema, array


def take_batch(reader: Any, schema: pa.Schema) -> pa.RecordBatch:
    """The batch of the reader's last event.

    The buffers are moved, not copied. The schema is the planned one, so it does not cross again.
    """
    array = ffi.new("ArrowArray *")
    call(lib.dativo_reader_batch_export, reader, ffi.NULL, array)
    return import_array(array, schema)


def import_array(array: Any, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in an `ArrowArray *` that the library has filled, whose schema is known."""
    import pyarrow as pa

    return pa.RecordBatch._import_from_c(_address(array), schema)  # noqa: SLF001


def import_batch(fill: Callable[[Any, Any], None]) -> pa.RecordBatch:
    """The batch that `fill` has the library write into an `ArrowSchema *` and an `ArrowArray *`."""
    import pyarrow as pa

    schema, array = ffi.new("ArrowSchema *"), ffi.new("ArrowArray *")
    fill(schema, array)
    known = pa.Schema._import_from_c(_address(schema))  # noqa: SLF001
    return import_array(array, known)


def _address(struct: Any) -> int:
    return int(ffi.cast("uintptr_t", struct))
