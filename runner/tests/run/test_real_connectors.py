"""The connectors of this repository under the runner: tap-csv into target-parquet."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pyarrow.dataset as ds
import pytest
import yaml
from pyiceberg.catalog import load_catalog

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def lake(project):
    """Writes a job of real connectors; `rows` reads what is visible in a stream."""
    project.environ["DATIVO_REGISTRY"] = ""
    return Lake(project)


class Lake:
    def __init__(self, project):
        self.project = project
        self.directory = project.directory / "lake"

    def job(self, files, *, select=(), **target):
        job = {
            "name": "lake",
            "source": {"connector": "tap-csv", "config": {"files": files, "infer_rows": 1000}},
            "target": {"connector": "target-parquet", "config": {"destination_path": "lake", **target}},
        }
        if select:
            job["source"]["select"] = list(select)
        path = self.project.directory / "lake.yaml"
        path.write_text(yaml.safe_dump(job))
        return path

    def csv(self, name, rows, mode="w"):
        with (self.project.directory / name).open(mode) as file:
            if mode == "w":
                file.write("id,name,at\n")
            file.writelines(f"{row},name {row},2024-01-01T00:00:{row % 60:02d}Z\n" for row in rows)

    def rows(self, stream):
        directory = self.directory / stream
        return sorted(ds.dataset(directory).to_table()["id"].to_pylist()) if directory.exists() else []


USERS = {"entity": "users", "path": "users.csv", "keys": ["id"]}


def test_a_job_loads_and_reports(lake):
    lake.csv("users.csv", range(5000))
    done = lake.project.dativo("run", lake.job([USERS]), cwd=lake.project.directory)
    assert done.returncode == 0, done.stderr
    assert lake.rows("users") == list(range(5000))
    table = [line.split() for line in done.stdout.splitlines()[1:]]
    assert table[0] == ["stream", "records", "MB", "records/s", "loaded", "files", "MB", "stored"]
    assert table[1][0:2] == ["users", "5,000"]
    assert table[1][4:6] == ["5,000", "1"]
    assert table[3] == ["state:", ".dativo/tenants/_/state/lake/state.json"]
    assert "target-parquet | published stream users: 1 files, 5,000 rows" in done.stderr
    assert "METRIC" not in done.stderr


def test_the_second_run_goes_on_from_the_state(lake):
    job = lake.job([{**USERS, "replication_key": "id"}])
    lake.csv("users.csv", range(100))
    assert lake.project.dativo("run", job).returncode == 0
    assert lake.project.state("lake")["bookmarks"]["users"]["replication_key_value"] == 99
    lake.csv("users.csv", range(100, 150), mode="a")
    done = lake.project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    # Incremental means "not less than the bookmark", so the row that it names comes again.
    assert lake.rows("users") == sorted([*range(150), 99])
    assert lake.project.state("lake")["bookmarks"]["users"]["replication_key_value"] == 149


def test_overwrite_does_not_double_rows(lake):
    job = lake.job([USERS], load_method="overwrite")
    lake.csv("users.csv", range(100))
    for _ in range(2):
        assert lake.project.dativo("run", job).returncode == 0
    assert lake.rows("users") == list(range(100))


def test_selection_leaves_streams_and_columns_out(lake):
    lake.csv("users.csv", range(10))
    lake.csv("orders.csv", range(10))
    files = [USERS, {"entity": "orders", "path": "orders.csv"}]
    done = lake.project.dativo("run", lake.job(files, select=["users.*", "!users.name"]))
    assert done.returncode == 0, done.stderr
    assert ds.dataset(lake.directory / "users").schema.names == ["id", "at"]
    assert not (lake.directory / "orders").exists()


def test_a_bad_row_in_the_middle_publishes_nothing_and_names_the_line(lake):
    lake.csv("users.csv", range(100_000))
    lake.csv("orders.csv", range(50_000))
    with (lake.project.directory / "orders.csv").open("a") as file:
        file.write("50001,too,many,fields\n")
    done = lake.project.dativo("run", lake.job([USERS, {"entity": "orders", "path": "orders.csv"}]))
    assert done.returncode == 1
    assert lake.rows("users") == []
    assert lake.rows("orders") == []
    assert lake.project.state("lake") is None
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dativo: lake failed: tap-csv exited with code 1: ")
    assert "orders.csv" in last
    assert "50002" in last


def test_a_missing_file_is_one_clear_line(lake):
    done = lake.project.dativo("run", lake.job([USERS]))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dativo: lake failed: tap-csv exited with code 1: ")
    assert "users.csv" in last


def test_what_the_target_refuses_is_one_clear_line(lake):
    lake.csv("users.csv", range(10))
    done = lake.project.dativo("run", lake.job([USERS], load_method="upsert"))
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("dativo: lake failed: `target-parquet ")
    assert "--recover` exited with code 1: configuration has 1 problem" in last


@pytest.fixture
def paused(project):
    """A run of tap-steps into target-parquet that stands still in the middle of a stream; its target."""
    steps = [
        {"records": 1000},
        {"touch": "tap"},
        {"wait_for": "go"},
        {"records": 1000},
        {"state": {"n": 2000}},
    ]
    target = {"connector": "target-parquet", "config": {"path": "loaded", "destination_path": "lake"}}
    job = project.job(steps, target=target)

    def start():
        run = project.start("run", job)
        project.wait_until((project.directory / "tap").exists)
        project.wait_until((project.directory / "lake").exists)
        (target,) = children_named(run.pid, "target-parquet")
        return run, target

    def again():
        (project.directory / "go").touch()
        return project.dativo("run", job)

    return start, again


def children_named(pid, name):
    """Process ids of the children of `pid` that run the program `name`."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if name.encode() in Path(f"/proc/{child}/cmdline").read_bytes()]


def ids(project):
    directory = project.directory / "lake" / "users"
    return sorted(ds.dataset(directory).to_table()["id"].to_pylist()) if directory.exists() else []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_publishes_nothing_unfinished_and_the_next_run_loads_everything(project, paused, signum):
    start, again = paused
    run, target = start()
    os.killpg(run.pid, signum)
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == 128 + signum, stderr
    assert not project.is_alive(target)
    assert ids(project) == []
    assert project.state() is None
    assert again().returncode == 0
    assert ids(project) == list(range(1, 2001))
    assert project.state() == {"n": 2000}


def test_a_killed_target_publishes_nothing_and_the_next_run_loads_everything(project, paused):
    start, again = paused
    run, target = start()
    os.kill(target, signal.SIGKILL)
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == 75
    assert "target-parquet was ended by SIGKILL" in stderr.splitlines()[-1]
    assert ids(project) == []
    assert again().returncode == 0
    assert ids(project) == list(range(1, 2001))


def test_connectors_end_when_the_runner_is_killed(project, paused):
    start, again = paused
    run, target = start()
    run.kill()
    run.communicate()
    project.wait_until(lambda: not project.is_alive(target))
    assert ids(project) == []
    assert again().returncode == 0
    assert ids(project) == list(range(1, 2001))


def test_check_and_discover(lake):
    lake.csv("users.csv", range(10))
    job = lake.job([{**USERS, "delimeter": ";"}], compressionlevel=3)
    done = lake.project.dativo("check", job)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "source.config.files[0].delimeter: the connector does not know this setting" in done.stdout
    assert "did you mean 'delimiter'?" in done.stdout
    assert "did you mean 'compression_level'?" in done.stdout
    catalog = json.loads(lake.project.dativo("discover", job).stdout)
    assert [stream["tap_stream_id"] for stream in catalog["streams"]] == ["users"]
    assert list(catalog["streams"][0]["schema"]["properties"]) == ["id", "name", "at"]


def test_check_refuses_what_the_connectors_would_refuse(lake):
    done = lake.project.dativo("check", lake.job([{"entity": "users"}], compression="zip"))
    assert done.returncode == 1
    assert "source.config.files[0]: 'path' is required" in done.stdout
    assert "target.config.compression: expected one of" in done.stdout


def test_the_flights_can_be_checked_and_loaded(project):
    """The example over a small excerpt with the columns and the quirks of the real tables."""
    tables = {
        "flights": "year,dep_delay,carrier,tailnum,time_hour\n"
        "2013,2,UA,N1,2013-01-01T10:00:00Z\n2013,NA,AA,NA,2013-01-01T11:00:00Z\n",
        "airlines": "carrier,name\nUA,United Air Lines Inc.\nAA,American Airlines Inc.\n",
        "airports": "faa,name,lat,lon\n04G,Lansdowne Airport,41.1304722,-80.6195833\n",
        "planes": "tailnum,year,speed\nN1,2004,NA\n",
        "weather": "origin,temp,wind_gust,time_hour\nEWR,39.02,NA,2013-01-01T06:00:00Z\n",
    }
    for table, text in tables.items():
        (project.directory / f"{table}.csv").write_text(text)
    example = project.directory / "job" / "flights.yaml"
    example.parent.mkdir()
    example.write_text((EXAMPLES / "flights.yaml").read_text())
    project.environ["FLIGHTS_DIR"] = str(project.directory)
    assert project.dativo("check", example).returncode == 0
    for _ in range(2):
        done = project.dativo("run", example)
        assert done.returncode == 0, done.stderr
    lake = project.directory / "output" / "flights"
    flights = ds.dataset(lake / "flights").to_table()
    assert flights.num_rows == 2
    assert flights["dep_delay"].to_pylist() == [2, None]
    assert flights["tailnum"].to_pylist() == ["N1", None]
    assert str(flights.schema.field("time_hour").type) == "timestamp[us, tz=UTC]"
    assert sorted(path.name for path in lake.iterdir() if not path.name.startswith(".")) == sorted(tables)


def test_the_shop_is_loaded_piece_by_piece(project):
    job = project.directory / "shop.yaml"
    job.write_text((EXAMPLES / "shop.yaml").read_text())
    shutil.copytree(EXAMPLES / "data", project.directory / "data")
    project.environ["SHOP_LAKE"] = "lake"
    lake = project.directory / "lake"
    assert project.dativo("run", job).returncode == 0
    customers = ds.dataset(lake / "customers").to_table()
    assert "email" not in customers.schema.names
    assert customers["name"].to_pylist()[2] == "王小明"
    loaded = ds.dataset(lake / "orders").count_rows()
    with (project.directory / "data" / "orders.csv").open("a") as orders:
        orders.write("1009,2,notebook,1,4.50,2024-03-06T08:00:00Z\n")
    done = project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    # The order of the bookmark comes again with the new one; no customer does.
    assert ds.dataset(lake / "orders").count_rows() == loaded + 2
    assert ds.dataset(lake / "customers").count_rows() == customers.num_rows


def test_the_shop_is_kept_in_iceberg_tables(project):
    """An order that is changed is there once, as it is now."""
    job = project.directory / "shop_iceberg.yaml"
    job.write_text((EXAMPLES / "shop_iceberg.yaml").read_text())
    shutil.copytree(EXAMPLES / "data", project.directory / "data")
    project.environ["SHOP_LAKE"] = "lake"
    assert project.dativo("check", job).returncode == 0
    assert project.dativo("run", job).returncode == 0
    before = shop_table(project, "orders")
    orders = project.directory / "data" / "orders.csv"
    changed = orders.read_text().replace("1008,6,desk lamp,2,", "1008,6,desk lamp,3,")
    orders.write_text(changed + "1009,2,notebook,1,4.50,2024-04-06T08:00:00Z\n")
    done = project.dativo("run", job)
    assert done.returncode == 0, done.stderr
    quantities = dict(zip(before["id"].to_pylist(), before["quantity"].to_pylist(), strict=True))
    after = shop_table(project, "orders")
    found = dict(zip(after["id"].to_pylist(), after["quantity"].to_pylist(), strict=True))
    assert found == quantities | {1008: 3, 1009: 1}
    assert after.num_rows == before.num_rows + 1
    assert "email" not in shop_table(project, "customers").schema.names


def shop_table(project, name):
    """All rows of a table of the shop, by its catalog."""
    catalog = load_catalog("default", type="sql", uri=f"sqlite:///{project.directory}/lake/catalog.db")
    return catalog.load_table(("shop", name)).scan().to_arrow()
