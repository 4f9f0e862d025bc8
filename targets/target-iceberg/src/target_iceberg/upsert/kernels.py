"""Kernels of pyarrow with the types that they have here; its stubs lack some and are vague on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    import pyarrow as pa

Values: TypeAlias = "pa.Array[Any]"
Positions: TypeAlias = "pa.Array[Any]"
"""Of rows in a file (int64), from 0 on, in order."""


def numbers(first: int, count: int) -> Positions:
    """`count` numbers from `first` on."""
    import pyarrow as pa

    return cast("Positions", pa.arange(first, first + count))  # type: ignore[attr-defined]


def constant(value: object, kind: pa.DataType, count: int) -> Values:
    """The same value `count` times."""
    import pyarrow as pa

    scalar: Any = pa.scalar(value, kind)
    repeated: Values = pa.repeat(scalar, count)
    return repeated


def bits(count: int, *, value: bool) -> pa.BooleanArray:
    """The same bit `count` times."""
    import pyarrow as pa

    return cast("pa.BooleanArray", constant(value, pa.bool_(), count))


def equal_to(values: Values, value: object) -> pa.BooleanArray:
    """Which values are equal to one."""
    import pyarrow as pa
    from pyarrow import compute

    return compute.equal(values, pa.scalar(value, values.type))


def count_true(values: pa.BooleanArray) -> int:
    """How many bits are set; nulls are not."""
    return int(values.true_count)


def places(ordered: Values, *values: int) -> list[int]:
    """Where numbers would have to go into numbers that are in order: before the first that is not less."""
    import pyarrow as pa
    from pyarrow import compute

    found = compute.search_sorted(ordered, pa.array(values, pa.int64()))  # type: ignore[attr-defined]
    return cast("list[int]", found.to_pylist())


def distinct(values: Values) -> list[Any]:
    """Each value once, as Python has it."""
    from pyarrow import compute

    return cast("list[Any]", compute.unique(values).to_pylist())


def in_order(values: Values) -> Values:
    """The different values in ascending order."""
    from pyarrow import compute

    return compute.unique(values).sort()


def content(positions: Positions) -> memoryview:
    """The bytes of positions."""
    _, values = positions.buffers()
    assert values is not None
    start = positions.offset * 8
    return memoryview(values)[start : start + len(positions) * 8]
