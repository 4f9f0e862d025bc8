"""Seeded columns of text: records are composed by string kernels over whole columns, never by a loop."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

Text = pa.Array | pa.Scalar | str
EPOCH_2024 = 1_704_067_200  # seconds
SECONDS_OF_2024 = 366 * 86_400


def concat(*parts: Text) -> pa.Array:
    """The parts joined row by row; a null part makes a null row."""
    return pc.binary_join_element_wise(*parts, "")


def quoted(text: pa.Array) -> pa.Array:
    """Text that needs no escaping, as JSON strings."""
    return concat('"', text, '"')


def escaped(text: pa.Array) -> pa.Array:
    """Any text as JSON strings, escaped as `json.dumps` does but for letters that it leaves as UTF-8."""
    for raw, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("é", "\\u00e9")):
        text = pc.replace_substring(text, raw, escape)
    return quoted(text)


def hundredths(values: pa.Array) -> pa.Array:
    """Integers as decimal numbers with two digits after the point."""
    whole = pc.divide(values, 100)
    cents = pc.subtract(values, pc.multiply(whole, 100))
    return concat(pc.cast(whole, pa.string()), ".", pc.utf8_lpad(pc.cast(cents, pa.string()), 2, "0"))


def instants(counts: pa.Array, unit: str) -> pa.Array:
    """Counts of the unit (`s`, `us`) since 1970 as ISO 8601 with that many digits, without an offset."""
    return pc.strftime(pc.cast(counts, pa.timestamp(unit)), "%Y-%m-%dT%H:%M:%S")


def or_null(present: pa.Array, text: pa.Array) -> pa.Array:
    """The JSON text where present, else JSON's null."""
    return pc.if_else(present, text, "null")


class Dice:
    """Columns of random values, the same for the same seed on every machine."""

    def __init__(self, seed: int, rows: int) -> None:
        self._seed = seed * 10_000
        self._rows = rows

    def uniform(self) -> pa.Array:
        """Doubles in [0, 1)."""
        self._seed += 1
        return pc.random(self._rows, initializer=self._seed)

    def integers(self, low: int, high: int) -> pa.Array:
        """Integers in [low, high)."""
        scaled = pc.floor(pc.multiply(self.uniform(), float(high - low)))
        return pc.add(pc.cast(scaled, pa.int64()), low)

    def numerals(self, low: int, high: int) -> pa.Array:
        """The text of integers in [low, high)."""
        return pc.cast(self.integers(low, high), pa.string())

    def pick(self, words: Sequence[str]) -> pa.Array:
        """One of the words for each row."""
        return pa.array(words, pa.string()).take(self.integers(0, len(words)))

    def chance(self, probability: float) -> pa.Array:
        """True with this probability."""
        return pc.less(self.uniform(), probability)

    def moments(self) -> pa.Array:
        """JSON strings of instants in the year 2024, with several precisions and offsets."""
        seconds = instants(self.integers(EPOCH_2024, EPOCH_2024 + SECONDS_OF_2024), "s")
        fraction = self.pick(["", ".120", ".123456"])
        return quoted(concat(seconds, fraction, self.pick(["Z", "+00:00", "+02:00", "-05:30"])))
