"""Changes of tap-postgres into target-parquet, while either is killed at random and writers go on.

Whatever happens, the folded files equal the database in the end, and whenever a run has ended by itself they
hold what holds in the database after every transaction. `DATIVO_STRESS_POSTGRES=full` goes on for two minutes
and measures the rate; `DATIVO_CRASH_SEED` repeats the kills, as far as the machine lets it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow.parquet as pq
import pytest

from tests.paths import BIN
from tests.services import postgres
from tests.services.postgres import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

IS_FULL = os.environ.get("DATIVO_STRESS_POSTGRES") == "full"
SECONDS = 120 if IS_FULL else 4
SEED = os.environ.get("DATIVO_CRASH_SEED") or str(random.SystemRandom().randrange(10**6))
DATABASE = "stress"
ACCOUNTS = 400
TOTAL = ACCOUNTS * 100
WRITERS = 3
CHANGES = 1_000_000 if IS_FULL else 20_000
LEAST_RATE = 50_000 if IS_FULL else 0
"""Changes a second, on a machine with nothing else to do."""
KILLED_RUNS = 0.75
FEWEST_KILLED = 2
FIRST_KILL_SECONDS = 0.5
"""Within which the first run is killed; later ones within the time that a whole run takes here."""
STREAM = "public-accounts"
SCHEMA = f"""
CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL, note text);
ALTER TABLE accounts ALTER note SET STORAGE EXTERNAL;
INSERT INTO accounts SELECT n, 100, repeat('x', n) FROM generate_series(1, {ACCOUNTS}) n;
"""


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    server = postgres.running_logical(request.config)
    address = {"host": "127.0.0.1", "port": server.port, "user": USER, "password": PASSWORD}
    with psycopg.connect(**address, dbname="postgres", autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {DATABASE}")
        yield address | {"dbname": DATABASE}
        slots = owner.execute("SELECT slot_name FROM pg_replication_slots WHERE database = %s", [DATABASE])
        for (slot,) in slots.fetchall():
            owner.execute("SELECT pg_drop_replication_slot(%s)", [slot])
        owner.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


class Pipeline:
    """tap-postgres | target-parquet, and the state between their runs."""

    def __init__(
        self, directory: Path, address: dict[str, Any], stream: str = STREAM, **settings: Any
    ) -> None:
        directory.mkdir()
        self.directory = directory
        self.state: str | None = None
        config = {
            **address,
            "replication_slot_name": directory.name,
            "default_replication_method": "LOG_BASED",
        }
        config |= settings
        target = {"destination_path": str(directory / "lake"), "add_record_metadata": True}
        self._stream = stream
        for name, content in (("tap", config), ("target", target)):
            (directory / f"{name}.json").write_text(json.dumps(content))

    def run(self, kill: tuple[str, float] | None = None) -> bool:
        """Run once; whether both ended by themselves.

        Args:
            kill: which of the two, and after how many seconds.
        """
        with self._started() as processes:
            if kill is not None:
                name, seconds = kill
                try:
                    processes[name].wait(seconds)
                except subprocess.TimeoutExpired:
                    processes[name].send_signal(signal.SIGKILL)
            printed, _ = processes["target"].communicate(timeout=300)
            codes = {name: process.wait(timeout=60) for name, process in processes.items()}
        states = [line for line in printed.decode().split("\n")[:-1] if line]
        self.state = states[-1] if states else self.state
        if kill is None:
            logs = [(self.directory / f"{name}.log").read_text()[-3000:] for name in codes]
            assert codes == {"tap": 0, "target": 0}, "\n".join(logs)
        return set(codes.values()) == {0}

    @contextmanager
    def _started(self) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        command = [BIN / "tap-postgres", "--config", self.directory / "tap.json"]
        if self.state is not None:
            (self.directory / "state.json").write_text(self.state)
            command += ["--state", self.directory / "state.json"]
        with (self.directory / "tap.log").open("wb") as log:
            tap = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert tap.stdout is not None
        with (self.directory / "target.log").open("wb") as log:
            target = subprocess.Popen(
                [BIN / "target-parquet", "--config", self.directory / "target.json"],
                stdin=tap.stdout,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        tap.stdout.close()
        try:
            yield {"tap": tap, "target": target}
        finally:
            for process in (tap, target):
                process.kill()
                process.wait()

    def rows(self) -> pa.Table:
        """Return all changes that the files hold."""
        return pq.read_table(self.directory / "lake" / self._stream)

    def folded(self) -> dict[int, tuple[int, str]]:
        """Return the accounts that the files hold: of each the newest change, unless that is its end."""
        rows = self.rows().to_pylist()
        assert self.state is not None
        version = json.loads(self.state)["bookmarks"][STREAM]["version"]
        newest: dict[int, dict[str, Any]] = {}
        for row in rows:
            if row["_sdc_table_version"] == version and (
                row["id"] not in newest or row["_sdc_lsn"] >= newest[row["id"]]["_sdc_lsn"]
            ):
                newest[row["id"]] = row
        return {
            key: (row["balance"], row["note"])
            for key, row in newest.items()
            if row["_sdc_deleted_at"] is None
        }


class Writers:
    """Sessions that move money about, each in a thread; its sum is the same after every transaction."""

    def __init__(self, address: dict[str, Any], seed: str) -> None:
        self._address = address
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self.transactions = 0
        self._threads = [
            threading.Thread(
                target=self._write, args=(random.Random(f"{seed}/{number}"), number), daemon=True
            )
            for number in range(WRITERS)
        ]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        assert not self._errors, self._errors

    def _write(self, chance: random.Random, number: int) -> None:
        new_id = (number + 1) * 1_000_000
        try:
            with psycopg.connect(**self._address, autocommit=True) as connection:
                while not self._stop.is_set():
                    new_id += 1
                    try:
                        with connection.transaction():
                            transact(connection, chance, new_id)
                        self.transactions += 1
                    except psycopg.errors.DeadlockDetected:
                        continue
                    self._stop.wait(0.001)
        except BaseException as error:  # noqa: BLE001 -- for the thread that looks after it
            self._errors.append(error)


def transact(connection: psycopg.Connection[Any], chance: random.Random, new_id: int) -> None:
    """Do something with two accounts, that leaves the sum of all as it is."""
    found = connection.execute(
        "SELECT id, balance FROM accounts WHERE id >= %s ORDER BY id LIMIT 2 FOR UPDATE",
        [chance.choice([chance.randrange(ACCOUNTS), new_id - chance.randrange(200)])],
    ).fetchall()
    if len(found) < 2:
        return
    (first, _), (second, balance) = found
    amount = chance.randrange(1, 50)
    match chance.choices(["move", "split", "merge", "rename", "regret"], [60, 15, 10, 10, 5])[0]:
        case "move":
            move(connection, first, second, amount)
        case "split":
            change(connection, first, -amount)
            note = "n" * chance.choice([1, 5000])
            connection.execute("INSERT INTO accounts VALUES (%s, %s, %s)", [new_id, amount, note])
        case "merge":
            connection.execute("DELETE FROM accounts WHERE id = %s", [second])
            change(connection, first, balance)
        case "rename":
            connection.execute("UPDATE accounts SET id = %s WHERE id = %s", [new_id, second])
        case "regret":
            with connection.transaction(force_rollback=True):
                connection.execute("DELETE FROM accounts WHERE id = %s", [second])
            move(connection, first, second, amount)


def move(connection: psycopg.Connection[Any], first: int, second: int, amount: int) -> None:
    change(connection, first, -amount)
    change(connection, second, amount)


def change(connection: psycopg.Connection[Any], account: int, amount: int) -> None:
    connection.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", [amount, account])


def accounts(address: dict[str, Any]) -> dict[int, tuple[int, str]]:
    with psycopg.connect(**address) as connection:
        rows = connection.execute("SELECT id, balance, note FROM accounts").fetchall()
    return {key: (balance, note) for key, balance, note in rows}


def test_the_files_equal_the_database(address: dict[str, Any], tmp_path: Path) -> None:
    with psycopg.connect(**address, autocommit=True) as owner:
        owner.execute(SCHEMA)
    settings = {"chunk_pages": 1, "state_interval_seconds": 0, "filter_schemas": "public"}
    pipeline = Pipeline(tmp_path / "stress", address, **settings)
    chance, killed, longest = random.Random(SEED), 0, FIRST_KILL_SECONDS
    deadline = time.monotonic() + SECONDS
    with Writers(address, SEED) as writers:
        while time.monotonic() < deadline or killed < FEWEST_KILLED:
            is_killed = chance.random() < KILLED_RUNS
            kill = (chance.choice(["tap", "target"]), chance.uniform(0, longest)) if is_killed else None
            started = time.monotonic()
            if pipeline.run(kill):
                longest = time.monotonic() - started
                sums = sum(balance for balance, _ in pipeline.folded().values())
                assert sums == TOTAL, f"DATIVO_CRASH_SEED={SEED}"
            else:
                killed += 1
    assert pipeline.run()
    assert pipeline.folded() == accounts(address), f"DATIVO_CRASH_SEED={SEED}"
    print(f"{writers.transactions} transactions, {killed} runs killed")
    assert writers.transactions > 0


TICKS = """
CREATE SCHEMA rate;
CREATE TABLE rate.ticks (id int8 PRIMARY KEY, at timestamptz, price numeric(12,2), symbol text, n int);
"""
TRANSACTION = """
INSERT INTO rate.ticks SELECT n, now(), n / 100.0, 'ABC', n FROM generate_series({0} + 1, {0} + 400) n;
UPDATE rate.ticks SET price = price + 1 WHERE id BETWEEN {0} + 1 AND {0} + 400;
DELETE FROM rate.ticks WHERE id BETWEEN {0} + 1 AND {0} + 200;
"""
OF_A_TRANSACTION = 1000


def test_the_rate_of_small_changes(address: dict[str, Any], tmp_path: Path) -> None:
    """The server decodes on the same machine, and target-parquet writes on it."""
    with psycopg.connect(**address, autocommit=True) as owner:
        owner.execute(TICKS)
        pipeline = Pipeline(tmp_path / "rate", address, "rate-ticks", filter_schemas="rate")
        assert pipeline.run()
        for number in range(CHANGES // OF_A_TRANSACTION):
            owner.execute(TRANSACTION.format(number * OF_A_TRANSACTION))
    started = time.monotonic()
    assert pipeline.run()
    rate = CHANGES / (time.monotonic() - started)
    print(f"{rate:,.0f} changes a second")
    assert pipeline.rows().num_rows == CHANGES
    assert rate >= LEAST_RATE
