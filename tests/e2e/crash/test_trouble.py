"""Destinations that refuse in the middle, and targets that meet: what is visible stays exact."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dativo_protocol.testing import run, start

from tests.e2e.crash.harness import TAP, Pipeline
from tests.e2e.crash.places import LocalPlace
from tests.paths import BIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGET = str(BIN / "target-parquet")
KILLED = -9


def command(load: Pipeline, *arguments: str) -> list[str]:
    """The real executable, started the ordinary way."""
    config = load.write("target.json", {**load.place.config(), **load.target})
    return [TARGET, "--config", config, *arguments]


def messages(load: Pipeline, state: dict[str, Any]) -> bytes:
    """What the tap writes from a STATE on."""
    arguments = ("--config", load.write("tap.json", load.tap), "--state", load.write("state.json", state))
    return subprocess.run((*TAP, *arguments), check=True, capture_output=True).stdout


def critical(stderr: str) -> str:
    (line,) = [line for line in stderr.splitlines() if "CRITICAL" in line]
    assert "Traceback" not in stderr
    return line


def staged(load: Pipeline) -> list[Path]:
    return sorted((load.place.root / ".dativo/runs").rglob("*.staged"))


def test_an_empty_destination_has_no_state_and_stays_empty(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline()
    answer = run(command(load, "--recover"))
    assert (answer.code, answer.stdout) == (0, b"")
    assert not load.place.root.exists()


def test_the_state_is_given_back_byte_for_byte(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline()
    value = '{"b": 1.10000000000000000000000001,  "a":"\\u00e9 é"}'.encode()
    assert run(command(load), stdin=b'{"type":"STATE","value":' + value + b"}\n").stdout == value + b"\n"
    assert run(command(load, "--recover")).stdout == value + b"\n"


def test_a_state_outlives_runs_that_have_none(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline(records=100)
    data = messages(load, {})
    without_states = b"".join(line for line in data.splitlines(keepends=True) if b'"STATE"' not in line)
    assert run(command(load), stdin=data).code == 0
    for _ in range(5):
        assert run(command(load), stdin=without_states).code == 0
    assert load.durable() == {"next": 100}


def test_overwriting_starts_from_nothing_whatever_was_loaded(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline(load_method="overwrite")
    assert run(command(load, "--recover")).stdout == b"{}\n"
    assert load.run().code == 0
    assert run(command(load, "--recover")).stdout == b"{}\n"


def test_of_two_targets_at_once_one_wins_and_the_other_publishes_nothing(
    pipeline: Callable[..., Pipeline],
) -> None:
    load = pipeline()
    data = messages(load, {})
    with start(command(load)) as slow:
        slow.send(data[:1000])
        slow.wait_for(lambda _: slow.unread == 0)  # it reads once it knows which epoch is next
        assert run(command(load), stdin=data).code == 0
        load.check({"next": 1000})
        loser = slow.finish(data=data[1000:])
    assert (loser.code, loser.stdout) == (1, b"")
    said = critical(loser.stderr)
    assert "another target writes to this destination as pipeline 'default': epoch 1 was taken by run" in said
    assert "give each its own `pipeline` setting" in said
    load.check({"next": 1000})
    assert load.durable() == {"next": 1000}


def test_two_pipelines_share_a_destination_and_each_has_its_state(pipeline: Callable[..., Pipeline]) -> None:
    first, second = pipeline(records=300, pipeline="acme/a"), pipeline(records=200, pipeline="acme/b")
    assert first.run(fault="epoch.after-prepare").code == KILLED
    needed = staged(first)
    assert needed
    assert second.run().code == 0
    assert staged(second) == needed, "what another pipeline has prepared"
    assert first.durable() == {"next": 200}
    assert first.run().code == 0
    assert (first.durable(), second.durable()) == ({"next": 300}, {"next": 200})
    assert len(first.place.rows()) == 500
    assert list((first.place.root / ".dativo/runs").iterdir()) == []


def test_staged_files_that_are_gone_let_the_epoch_be_loaded_again(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline()
    assert load.run(fault="epoch.after-prepare:2").code == KILLED
    for file in staged(load):
        file.unlink()
    assert load.durable() == {"next": 200}
    load.check({"next": 200})
    assert load.run().code == 0
    load.check({"next": 1000})


def test_an_epoch_that_can_neither_be_completed_nor_undone_is_an_error(
    pipeline: Callable[..., Pipeline],
) -> None:
    load = pipeline()
    assert load.run(fault="commit.file").code == KILLED
    for file in staged(load):
        if file.stat().st_nlink == 1:
            file.unlink()
    answer = run(command(load, "--recover"))
    assert (answer.code, answer.stdout) == (1, b"")
    said = critical(answer.stderr)
    assert "epoch 1 of pipeline 'default' is published in part, and 3 of its 4 staged files are gone" in said


def test_a_damaged_ledger_entry_is_named(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline()
    assert load.run().code == 0
    entry = load.place.root / ".dativo/ledger/default/0000000005.json"
    entry.write_text(entry.read_text().replace("1000", "2000"))
    answer = run(command(load, "--recover"))
    assert answer.code == 1
    assert "ledger/default/0000000005.json is damaged" in critical(answer.stderr)


@pytest.fixture
def limited() -> Iterator[Path]:
    """A file system of 256 KiB, mounted in a namespace that a process which only waits keeps open."""
    prepare = "mount -t tmpfs -o size=256k tmpfs /mnt && echo ready && exec cat"
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    arguments = ("unshare", *user, "--mount", "sh", "-c", prepare)
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"ready\n", "mount namespaces are needed to fill a disk"
        yield Path("/proc", str(keeper.pid), "root", "mnt")
        keeper.stdin.close()


def test_a_full_disk_stops_the_run_and_room_lets_it_go_on(
    pipeline: Callable[..., Pipeline], limited: Path
) -> None:
    load = pipeline(records=20_000, state_every=1000, epoch_max_records=1000)
    load.place = LocalPlace(limited / "lake")
    full = load.run()
    assert full.code == 1
    assert "No space left on device" in critical(full.stderr)
    state = load.durable()
    assert 0 < state["next"] < 20_000
    assert full.states[-1] == state
    load.check(state)
    keeper = limited.parts[2]
    enter = ("nsenter", f"--target={keeper}", "--mount", *(() if os.geteuid() == 0 else ("--user",)))
    subprocess.run((*enter, "mount", "-o", "remount,size=64m", "/mnt"), check=True)
    assert load.run().code == 0
    load.check({"next": 20_000})


def as_nobody(arguments: list[str]) -> list[str]:
    """As a user whom permissions apply to, if this one is not."""
    if os.geteuid() != 0:
        return arguments
    user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *arguments]


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """Lets any user come to this test's directory."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.owner() == pwd.getpwuid(os.geteuid()).pw_name and len(directory.parts) > 1:
            directory.chmod(directory.stat().st_mode | 0o055)
    return tmp_path


@pytest.mark.parametrize(
    ("lost", "mode"), [("even/part=a", 0o555), (".dativo/ledger/default", 0o555), (".dativo/runs", 0)]
)
def test_permission_lost_in_the_middle_stops_the_run_and_permission_given_lets_it_go_on(
    pipeline: Callable[..., Pipeline], public: Path, lost: str, mode: int
) -> None:
    load = pipeline()
    load.place.root.mkdir()
    load.place.root.chmod(0o777)
    data = messages(load, {})
    half = data.index(b'{"type": "STATE", "value": {"next": 250}}')
    with start(as_nobody(command(load))) as target:
        target.send(data[:half])
        assert json.loads(target.read_line()) == {"next": 200}
        target.wait_for(lambda _: (load.place.root / ".dativo/ledger/default/0000000001.done").exists())
        forbidden = load.place.root / lost
        before = forbidden.stat().st_mode
        forbidden.chmod(mode)
        ended = target.finish(data=data[half:])
    assert ended.code == 1
    assert "Permission denied" in critical(ended.stderr)
    load.check({"next": 200})
    forbidden.chmod(before)
    assert load.durable() == {"next": 200}
    load.check({"next": 200})
    assert load.run().code == 0
    load.check({"next": 1000})


def test_a_stopped_target_gives_up_its_open_epoch(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline()
    data = messages(load, {})
    half = data.index(b'{"type": "STATE", "value": {"next": 350}}')
    with start(command(load)) as target:
        target.send(data[:half])
        assert target.read_line()
        target._process.terminate()
        ended = target.finish()
    assert ended.code == 143
    assert load.durable() == {"next": 200}
    load.check({"next": 200})
    assert load.run().code == 0
    load.check({"next": 1000})


def test_a_state_that_nobody_reads_is_still_durable(pipeline: Callable[..., Pipeline]) -> None:
    """The epoch stands although its STATE could not be printed, and the ledger knows."""
    load = pipeline(records=200)
    with start(command(load)) as target:
        target.stop_reading()
        target.send(messages(load, {}))
        assert target.finish().code == 3
    assert load.durable() == {"next": 200}
    load.check({"next": 200})


def test_the_executable_dies_where_the_environment_says(pipeline: Callable[..., Pipeline]) -> None:
    load = pipeline()
    killed = run(command(load), stdin=messages(load, {}), env={"DATIVO_FAULT": "commit.file:6"})
    assert (killed.code, killed.lines) == (KILLED, [{"next": 200}])
    assert run(command(load, "--recover")).lines == [{"next": 400}]
    load.check({"next": 400})
