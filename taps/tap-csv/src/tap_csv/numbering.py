"""Numbers of rows within their file, though rows between them may have been left out."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class RowNumbers:
    """The numbers of consecutive rows of a batch, as ascending ranges."""

    ranges: tuple[range, ...]

    def __len__(self) -> int:
        return sum(map(len, self.ranges))

    def at(self, index: int) -> int:
        """Return the number of the row at `index` of the batch."""
        for numbers in self.ranges:
            if index < len(numbers):
                return numbers[index]
            index -= len(numbers)
        raise IndexError(index)

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.ranges[-1][-1]

    def count_up_to(self, number: int) -> int:
        """Count the rows whose number is not greater than `number`."""
        return sum(min(len(numbers), max(0, number - numbers.start + 1)) for numbers in self.ranges)

    def slice(self, start: int, stop: int) -> RowNumbers:
        """Return the numbers of the rows from `start` up to, not including, `stop`."""
        kept = []
        for numbers in self.ranges:
            part = numbers[max(0, start) : max(0, stop)]
            if part:
                kept.append(part)
            start, stop = start - len(numbers), stop - len(numbers)
        return RowNumbers(tuple(kept))

    def array(self) -> pa.Int64Array:
        """Return the numbers as a column."""
        import pyarrow as pa

        parts = [_count_from(numbers.start, len(numbers)) for numbers in self.ranges]
        return pa.concat_arrays(parts) if parts else pa.array([], pa.int64())


class RowCounter:
    """Gives numbers to rows as they arrive, passing over those that were reported as left out."""

    def __init__(self) -> None:
        self._next = 1
        self._left_out: deque[int] = deque()

    def leave_out(self, number: int) -> None:
        """Report a row that will not arrive; from any thread, in order, before later rows arrive."""
        self._left_out.append(number)

    def take(self, count: int) -> RowNumbers:
        """Number the next `count` rows."""
        ranges = []
        while count:
            self._pass_over()
            stop = self._next + count
            if self._left_out:
                stop = min(stop, self._left_out[0])
            ranges.append(range(self._next, stop))
            count -= stop - self._next
            self._next = stop
        return RowNumbers(tuple(ranges))

    def number_ahead(self, count: int) -> int:
        """Return the number that the last of the next `count` rows will have."""
        return copy.deepcopy(self).take(count).last

    def _pass_over(self) -> None:
        while self._left_out and self._left_out[0] == self._next:
            self._left_out.popleft()
            self._next += 1


def _count_from(start: int, count: int) -> pa.Int64Array:
    import pyarrow.compute as pc

    size = 1 << max(10, (count - 1).bit_length())
    return pc.add(_count_from_zero(size).slice(0, count), start)


@lru_cache(maxsize=2)
def _count_from_zero(size: int) -> pa.Int64Array:
    import pyarrow as pa

    return pa.array(range(size), pa.int64())
