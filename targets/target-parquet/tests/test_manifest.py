"""The way of a finished epoch from the ledger into the manifest, broken off and done twice."""

import json

import pytest
from dativo_protocol.digest import combine_digests
from target_parquet.errors import FencedError, StoreError
from target_parquet.expected import expected_streams
from target_parquet.ledger import Entry, FileEntry, Ledger, StreamAction, StreamEntry
from target_parquet.manifest import block_of, kept

NO_ROWS = combine_digests([])


def entry(epoch, *, replaces=False, files=1, run="run-1", stream="users", state=None):
    names = [f"{stream}/{run}-{epoch}-{part}.parquet" for part in range(files)]
    published = tuple(FileEntry({"path": name}, name, epoch, 100, NO_ROWS) for name in names)
    streams = (StreamEntry.of(stream, stream, published, StreamAction(replaces=replaces)),)
    return Entry(epoch, run, "p", "append-only", None, state, streams)


@pytest.fixture
def ledger(store):
    return Ledger(store, "p")


@pytest.fixture
def publish(ledger):
    """Takes epochs through the ledger, without files."""

    def make(*entries, tidy=True):
        for each in entries:
            ledger.prepare(each)
            ledger.settle(each.epoch, "done")
            if tidy:
                ledger.tidy(each.epoch)

    return make


def epochs(store):
    return [epoch.epoch for epoch in kept(store, "p")]


def files(store):
    return sorted(expected_streams(store)["users"].files)


def test_blocks_are_sixteen_epochs_each():
    assert (block_of(1), block_of(16), block_of(17)) == (range(1, 17), range(1, 17), range(17, 33))


def test_a_block_goes_when_its_last_epoch_is_two_behind(store, ledger, publish):
    publish(*map(entry, range(1, 18)))
    assert (list(ledger.numbers()), epochs(store)) == (list(range(1, 18)), [])
    publish(entry(18))
    assert (list(ledger.numbers()), epochs(store)) == ([17, 18], list(range(1, 17)))
    assert len(files(store)) == 18
    publish(*map(entry, range(19, 35)))
    assert (list(ledger.numbers()), epochs(store)) == ([33, 34], list(range(1, 33)))


def test_an_entry_of_the_ledger_sums_its_files_up():
    (stream,) = json.loads(entry(3, files=2).to_json())["streams"]
    assert (stream["rows"], stream["digest"]) == (6, NO_ROWS)
    assert [file["rows"] for file in stream["files"]] == [3, 3]


@pytest.mark.parametrize("removed", [0, 1, 5, 16, 17, 31])
def test_tidying_that_broke_off_is_completed_by_the_next(store, ledger, publish, removed):
    """Killed after the block was put, and after so many of its names were removed."""
    publish(*map(entry, range(1, 18)))
    publish(entry(18), tidy=False)
    before = store.names(".dativo/ledger/p")
    gone = []
    ledger._store = _Recording(store, gone)
    ledger.tidy(18)
    assert len(gone) == 32
    assert all(name.endswith(".json") for name in gone[:16])
    for name in gone[removed:]:
        store.put_if_absent(name, entry(int(name[-15:-5])).to_json() if name.endswith("json") else b"{}\n")
    assert len(store.names(".dativo/ledger/p")) == len(before) - removed
    assert len(files(store)) == 18
    Ledger(store, "p").tidy(18)
    assert epochs(store) == list(range(1, 17))
    assert store.names(".dativo/ledger/p") == before[-4:]


class _Recording:
    """A store that notes what is removed."""

    def __init__(self, store, gone):
        self._store = store
        self._gone = gone

    def __getattr__(self, name):
        return getattr(self._store, name)

    def remove(self, names):
        self._gone += names
        self._store.remove(names)


def test_an_overwrite_ends_what_came_before(store, publish):
    publish(*(entry(number, replaces=number % 5 == 0) for number in range(1, 19)))
    assert epochs(store) == [15, 16]
    assert files(store) == [f"users/run-1-{number}-0.parquet" for number in (15, 16, 17, 18)]


def test_a_block_that_published_nothing_has_no_object(store, ledger, publish):
    publish(*(Entry(number, "r", "p", "append-only", None, str(number), ()) for number in range(1, 19)))
    assert list(ledger.numbers()) == [17, 18]
    assert store.names(".dativo/manifest") == []


def test_an_epoch_that_was_given_up_is_not_kept(store, ledger, publish):
    for number in range(1, 19):
        ledger.prepare(entry(number))
        ledger.settle(number, "aborted" if number == 7 else "done")
    ledger.tidy(18)
    assert epochs(store) == [number for number in range(1, 17) if number != 7]
    assert list(ledger.numbers()) == [17, 18]


def test_an_open_epoch_keeps_its_block(store, ledger, publish):
    publish(*map(entry, range(1, 5)), tidy=False)
    ledger.prepare(entry(5))
    publish(*map(entry, range(6, 19)), tidy=False)
    ledger.tidy(18)
    assert list(ledger.numbers()) == list(range(1, 19))
    expected = expected_streams(store)["users"].files
    assert [name for name, each in expected.items() if each.may_be_gone] == ["users/run-1-5-0.parquet"]


def test_a_number_that_was_tidied_away_is_not_taken_again(store, ledger, publish):
    """A target that slept for eighteen epochs must not publish what it has."""
    publish(*map(entry, range(1, 19)))
    with pytest.raises(FencedError, match="epoch 3 was taken by another run"):
        ledger.prepare(entry(3, run="run-0"))
    assert ledger.numbers()[3] == "aborted"
    ledger.tidy(18)
    assert epochs(store) == list(range(1, 17))
    assert "users/run-0-3-0.parquet" not in files(store)


def test_a_later_run_of_another_pipeline_may_have_replaced_files(store, publish):
    publish(entry(1, run="20260101"), entry(2, run="20260103"))
    other = Ledger(store, "q")
    other.prepare(entry(1, run="20260102", replaces=True, files=0))
    expected = expected_streams(store)["users"].files
    assert {name: each.may_be_gone for name, each in expected.items()} == {
        "users/20260101-1-0.parquet": True,
        "users/20260103-2-0.parquet": False,
    }


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": 2, "epochs": []}', b'{"format": 1}'])
def test_a_damaged_object_is_named(store, content):
    store.put_if_absent(".dativo/manifest/p/0000000001-0000000016.json", content)
    with pytest.raises(StoreError, match=r"manifest/p/0000000001-0000000016\.json is damaged"):
        kept(store, "p")
