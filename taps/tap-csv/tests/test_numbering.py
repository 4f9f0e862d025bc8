"""Row numbers: consecutive, but for the rows that were left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tap_csv.numbering import RowCounter, RowNumbers


def listed(numbers: RowNumbers) -> list[int]:
    return [number for part in numbers.ranges for number in part]


def test_rows_left_out_are_passed_over() -> None:
    counter = RowCounter()
    for number in (1, 4, 5, 9):
        counter.leave_out(number)
    assert listed(counter.take(2)) == [2, 3]
    assert counter.number_ahead(4) == 10
    assert listed(counter.take(4)) == [6, 7, 8, 10]


@given(
    left_out=st.sets(st.integers(1, 60)),
    sizes=st.lists(st.integers(1, 9), max_size=8),
    cut=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_a_batch_knows_its_numbers(left_out: set[int], sizes: list[int], cut: tuple[int, int]) -> None:
    counter = RowCounter()
    for number in sorted(left_out):
        counter.leave_out(number)
    expected = iter(number for number in range(1, 1000) if number not in left_out)
    for size in sizes:
        numbers = counter.take(size)
        want = [next(expected) for _ in range(size)]
        assert listed(numbers) == numbers.array().to_pylist() == [numbers.at(i) for i in range(size)] == want
        assert (len(numbers), numbers.last) == (size, want[-1])
        assert listed(numbers.slice(*cut)) == want[slice(*cut)]
        for limit in (0, want[0], want[-1], 30):
            assert numbers.count_up_to(limit) == sum(number <= limit for number in want)
