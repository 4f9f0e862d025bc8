"""Positions in STATEs: ours, MeltanoLabs' and PipelineWise's, and which of them can be gone on from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from dativo_protocol.config import load_settings
from dativo_protocol.errors import ConfigError
from dativo_protocol.state import Bookmark
from tap_postgres.continuity import Origin, confirmable, lost_streams, refuse_loss
from tap_postgres.errors import SlotError
from tap_postgres.log_bookmarks import LogPosition, LogSource, forgotten, log_position, reached
from tap_postgres.lsn import format_lsn, parse_lsn
from tap_postgres.receiver import Room
from tap_postgres.settings import TapPostgresSettings
from tap_postgres.slots import Slot

if TYPE_CHECKING:
    from tap_postgres.tables import StreamPlan

SOURCE = LogSource("slot", "7711", 16_400)
SLOT = Slot("slot", "pgoutput", "shop", None, confirmed=100, restart=50, is_lost=False)


def parsed(**values: Any) -> LogPosition | None:
    return log_position(Bookmark(values), stream_id="public-a")


def test_ours() -> None:
    bookmark = reached(Bookmark({"of": "others"}), 7, SOURCE, 3)
    assert bookmark.values == {
        "of": "others",
        "replication_key": "_sdc_lsn",
        "replication_key_value": 7,
        "version": 3,
        "slot": "slot",
        "system": "7711",
        "published": 16_400,
    }
    assert parsed(**bookmark.values) == LogPosition(7, True, "7711", 3, 16_400)


def test_a_reading_under_way() -> None:
    position = parsed(version=3, snapshot={"by": "ctid", "lsn": 9})
    assert position == LogPosition(9, is_loaded=False, version=3)


def test_of_meltanolabs() -> None:
    assert parsed(replication_key="_sdc_lsn", replication_key_value=7) == LogPosition(7, is_loaded=True)


def test_of_pipelinewise() -> None:
    theirs = {"last_replication_method": "LOG_BASED", "version": 3, "xmin": None}
    assert parsed(**theirs, lsn=7) == LogPosition(7, is_loaded=True, version=3)
    assert parsed(**theirs | {"xmin": "756"}, lsn=7) is None, "its first reading was cut off"
    kept = reached(Bookmark(theirs | {"lsn": 7}), 8, SOURCE, 3).values
    assert "lsn" not in kept
    assert kept["last_replication_method"] == "LOG_BASED"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"replication_key": "id", "replication_key_value": 7},
        {"last_replication_method": "INCREMENTAL", "replication_key": "_sdc_lsn", "replication_key_value": 7},
        {"version": 3, "snapshot": {"by": "ctid"}},
    ],
)
def test_of_other_methods(values: dict[str, Any]) -> None:
    assert parsed(**values) is None


@pytest.mark.parametrize("value", ["0/7", True, -1, 1.5])
def test_what_is_no_position(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"the position of bookmarks\.public-a is no number"):
        parsed(replication_key="_sdc_lsn", replication_key_value=value)


def test_what_is_forgotten() -> None:
    bookmark = reached(Bookmark({"of": "others", "snapshot": {}}), 7, SOURCE, 3)
    assert forgotten(bookmark).values == {"of": "others"}


def plan(name: str, oid: int) -> StreamPlan:
    return cast("StreamPlan", SimpleNamespace(id=name, table=SimpleNamespace(oid=oid)))


A, B = plan("a", 1), plan("b", 2)


@pytest.mark.parametrize(
    ("position", "slot", "reason"),
    [
        (LogPosition(100, True), SLOT, None),
        (LogPosition(100, True, "7711", None, 16_400), SLOT, None),
        (LogPosition(99, True), SLOT, "slot 'slot' is at 0/64, beyond the STATE's 0/63"),
        (LogPosition(100, True, "1"), SLOT, "this is another server than the one of the STATE"),
        (LogPosition(100, True), None, "slot 'slot' is gone"),
        (LogPosition(1001, True), SLOT, "the server is behind the STATE, as after a restore"),
        (LogPosition(100, True, None, None, 5), SLOT, "its table was not in the publication all the time"),
    ],
)
def test_what_is_lost(position: LogPosition, slot: Slot | None, reason: str | None) -> None:
    origin = Origin("slot", slot, "7711", {1: 16_400}, 1000)
    assert lost_streams([A, B], {"a": position}, origin).get("a") == reason


def test_a_loss_names_its_streams_by_reason() -> None:
    with pytest.raises(SlotError, match=r"changes are lost of a, b: gone; c: old"):
        refuse_loss({"a": "gone", "b": "gone", "c": "old"})
    refuse_loss({})


def test_what_may_be_confirmed() -> None:
    positions = {"a": LogPosition(7, True), "b": LogPosition(5, True), "deselected": LogPosition(1, True)}
    assert confirmable([A, B], positions) == 5
    assert confirmable([A], positions) == 7
    assert confirmable([A], {}) == 0


def test_positions_as_the_server_writes_them() -> None:
    assert parse_lsn("16/B374D848") == 0x16_B374_D848
    assert format_lsn(parse_lsn("16/B374D848")) == "16/B374D848"
    assert format_lsn(0) == "0/0"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "tappostgres"),
        ({"replication_slot_name": "mine"}, "mine"),
        ({"tap_id": "Shop-1"}, "pipelinewise_db_shop_1"),
        ({"tap_id": "shop", "replication_slot_name": "mine"}, "mine"),
    ],
)
def test_names_of_slots(settings: dict[str, Any], name: str) -> None:
    loaded = load_settings(TapPostgresSettings, {"database": "db", **settings})
    assert loaded.slot_name("db") == name


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (600, 60)),
        ({"replication_max_run_seconds": 5, "replication_idle_exit_seconds": 6}, (5, 6)),
        ({"max_run_seconds": 7, "logical_poll_total_seconds": 8}, (7, 8)),
    ],
)
def test_times_of_either_tap(settings: dict[str, Any], expected: tuple[int, int]) -> None:
    loaded = load_settings(TapPostgresSettings, {"database": "db", **settings})
    assert (loaded.longest_run, loaded.longest_silence) == expected


def test_room_is_bounded_but_has_place_for_one() -> None:
    room = Room(10)
    assert room.take(20, 0.0)
    assert not room.take(1, 0.0)
    room.give_back(20)
    assert room.take(1, 0.0)
