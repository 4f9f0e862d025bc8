"""The measuring: what the kernel counted for each process of a pipeline; no figure for a run that failed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.measure import Measurement, RunFailedError, extrapolated, measure
from tests.paths import ROOT

BURN = "import time\nwhile time.process_time() < {seconds}: pass"
HOLD = "held = b'x' * {bytes}"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


def test_wall_time_of_a_sleep_is_no_cpu_time() -> None:
    run = measure([python("import time; time.sleep(0.5)")])
    assert 0.5 <= run.wall_seconds < 5
    assert run.cpu_seconds < 0.4


def test_cpu_time_of_all_processes_is_added() -> None:
    burn = python(BURN.format(seconds=0.3))
    assert measure([burn, burn]).cpu_seconds >= 0.6


def test_peaks_of_all_processes_are_added() -> None:
    """Measured by a small process, as the benchmark is: this one would add its own memory."""
    hold = python(HOLD.format(bytes=150_000_000))
    script = f"from tests.bench.measure import measure; print(measure([{hold!r}, {hold!r}]).peak_bytes)"
    peak = int(
        subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True).stdout
    )
    assert 300_000_000 <= peak < 400_000_000


def test_a_pipeline_passes_its_input_on(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(b"line\n" * 300_000)
    save = python(f"import sys; open({str(copy)!r}, 'wb').write(sys.stdin.buffer.read())")
    measure([("cat",), ("cat",), save], source)
    assert copy.read_bytes() == source.read_bytes()


def test_standard_input_is_empty_unless_given() -> None:
    measure([python("import sys; sys.exit(len(sys.stdin.read()))")])


@pytest.mark.parametrize("position", [0, 1])
def test_a_failure_anywhere_is_told_with_its_last_words(position: int) -> None:
    pipeline = [("cat",), ("cat",)]
    pipeline[position] = python("import sys; print('out of luck', file=sys.stderr); sys.exit(3)")
    with pytest.raises(RunFailedError, match=r"(?s)exited 3.*out of luck"):
        measure(pipeline)


def test_a_killed_process_is_a_failure() -> None:
    with pytest.raises(RunFailedError, match="exited -9"):
        measure([("sh", "-c", "kill -9 $$")])


def test_compiled_modules_are_kept_whatever_the_caller_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    measure([python("import sys; sys.exit(sys.dont_write_bytecode)")])


def test_a_rate_is_worked_out_from_two_runs_with_start_up_counted_once() -> None:
    runs = [(100, Measurement(1.1, 0.6, 50)), (200, Measurement(1.2, 0.7, 40))]
    all_of_it = extrapolated(1_000, runs)
    assert all_of_it.wall_seconds == pytest.approx(2.0)
    assert all_of_it.cpu_seconds == pytest.approx(1.5)
    assert all_of_it.peak_bytes == 50
