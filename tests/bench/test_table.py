"""The tables: medians, and ratios of runs of the same round."""

from tests.bench.case import Case, Group, Share
from tests.bench.measure import Measurement
from tests.bench.table import group_table, header


def runs(*walls: float) -> list[Measurement]:
    return [Measurement(wall, 2 * wall, 50_000_000) for wall in walls]


GROUP = Group(
    "g",
    "A title",
    "slow",
    (
        Case("fast", (), records=1_000, input_bytes=4_000_000),
        Case("slow", (), records=500, input_bytes=2_000_000),
    ),
)


def test_a_row_gives_medians_and_the_ratio_of_rates() -> None:
    table = group_table(GROUP, {"fast": runs(1.0, 2.0, 4.0), "slow": runs(1.0, 2.0, 2.0)})
    rows = {line.split(" | ")[0].lstrip("| "): line for line in table.splitlines()}
    assert rows["fast"] == "| fast | 500 | 2 | 2.00 (1.00 to 2.00) | 2.00 | 4.00 | 250 | 50 |"
    assert rows["slow"] == "| slow | 250 | 1 | 1.00 (1.00 to 1.00) | 2.00 | 4.00 | 125 | 50 |"


def test_the_table_says_what_its_ratios_are_against() -> None:
    table = group_table(GROUP, {"fast": runs(1.0), "slow": runs(1.0)})
    assert table.startswith("### A title\n")
    assert "Ratio: records a second against slow." in table


def test_a_second_baseline_has_ratios_of_its_own() -> None:
    group = Group("g", "T", "slow", GROUP.cases, second_baseline="fast")
    table = group_table(group, {"fast": runs(1.0), "slow": runs(1.0)})
    assert "| slow | 500 | 2 | 1.00 (1.00 to 1.00); 0.50 (0.50 to 0.50) |" in table
    assert "Ratio: records a second against slow, then against fast." in table


def test_the_table_says_which_figures_are_worked_out() -> None:
    few = Case("slow", (), records=9, input_bytes=0, shares=(Share((), 1), Share((), 2)))
    table = group_table(Group("g", "T", None, (few,)), {"slow": runs(1.0)})
    assert "Worked out from runs on fewer records: slow." in table


def test_a_group_without_a_baseline_has_no_ratios() -> None:
    group = Group("g", "T", None, (Case("reads nothing", (), records=0, input_bytes=0),))
    table = group_table(group, {"reads nothing": runs(0.25)})
    assert "| reads nothing |  |  |  | 0.25 | 0.50 |  | 50 |" in table
    assert "Ratio:" not in table


def test_a_pipe_in_a_name_does_not_end_its_cell() -> None:
    group = Group("g", "T", None, (Case("a | b", (), records=1, input_bytes=0),))
    assert "| a \\| b | 1 |" in group_table(group, {"a | b": runs(1.0)})


def test_the_header_names_machine_and_versions() -> None:
    text = header(5)
    assert "cores" in text
    assert "duckdb 1.5.5" in text
    assert "5 paired runs" in text
