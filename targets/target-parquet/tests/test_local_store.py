import errno
import fcntl
import os
from pathlib import Path
from threading import Thread

import pytest
from target_parquet.errors import StoreError
from target_parquet.exchange import exchange
from target_parquet.local_store import LocalStore
from target_parquet.storage import Publication


def stage(store: LocalStore, content: bytes = b"rows"):
    """A finished staged file."""
    staged = store.stage("users/1.parquet")
    staged.sink.write(content)
    staged.sink.close()
    return staged


def token(store: LocalStore, content: bytes = b"rows"):
    return stage(store, content).token


def publication(store: LocalStore, name: str, content: bytes = b"rows") -> Publication:
    return Publication(token(store, content), name)


def visible(destination: Path) -> dict[str, bytes]:
    return {
        path.relative_to(destination).as_posix(): path.read_bytes()
        for path in destination.rglob("*.parquet")
        if path.is_file()
    }


def test_staged_files_are_not_found_by_patterns_for_parquet(store, destination):
    stage(store)
    assert visible(destination) == {}
    assert not [path for path in destination.iterdir() if not path.name.startswith(".")]


def test_a_staged_file_tells_its_size(store):
    staged = store.stage("users/1.parquet")
    assert staged.name == "users/1.parquet"
    staged.sink.write(b"12345")
    assert staged.sink.tell() == 5
    staged.sink.close()


def test_published_files_have_their_names_and_bytes(store, destination):
    files = [
        publication(store, "users/1.parquet", b"one"),
        publication(store, "users/p=1/2.parquet", b"two"),
    ]
    store.publish(files)
    assert visible(destination) == {"users/1.parquet": b"one", "users/p=1/2.parquet": b"two"}


def test_a_name_that_is_taken_is_not_overwritten_and_nothing_else_is_published(store, destination):
    store.publish([publication(store, "users/b.parquet", b"first")])
    files = [publication(store, f"users/{name}.parquet", b"x") for name in "abc"]
    with pytest.raises(StoreError, match="File exists"):
        store.publish(files)
    assert visible(destination) == {"users/b.parquet": b"first"}


def test_closing_the_run_removes_what_was_not_published(store, destination):
    store.publish([publication(store, "users/1.parquet")])
    stage(store)
    store.close_run()
    assert list(visible(destination)) == ["users/1.parquet"]
    assert list((destination / ".dativo/runs").iterdir()) == []
    store.close_run()


def test_staging_needs_an_open_run(destination):
    with pytest.raises(StoreError, match="no run is open"):
        LocalStore(destination).stage("users/1.parquet")


def test_replacing_leaves_only_the_new_files(store, destination):
    store.publish([publication(store, f"users/p={n}/old.parquet") for n in range(3)])
    store.publish([publication(store, "orders/1.parquet", b"other")])
    store.replace({"users": [publication(store, "users/p=9/new.parquet", b"new")]})
    assert visible(destination) == {"users/p=9/new.parquet": b"new", "orders/1.parquet": b"other"}


def test_replacing_what_does_not_exist_creates_it(store, destination):
    store.replace({"users": [publication(store, "users/1.parquet", b"new")]})
    assert visible(destination) == {"users/1.parquet": b"new"}


def test_replacing_several_directories_is_undone_when_one_fails(store, destination):
    for stream in ("a", "c"):
        store.publish([publication(store, f"{stream}/1.parquet", b"old")])
    elsewhere = destination.parent / "elsewhere"
    elsewhere.mkdir()
    (destination / "b").symlink_to(elsewhere)
    new = {stream: [publication(store, f"{stream}/2.parquet", b"new")] for stream in ("a", "fresh", "b", "c")}
    with pytest.raises(StoreError, match="symbolic link"):
        store.replace(new)
    assert visible(destination) == {"a/1.parquet": b"old", "c/1.parquet": b"old"}
    assert not (destination / "fresh").exists()


def test_readers_of_open_files_are_not_disturbed_by_a_replacement(store, destination):
    store.publish([publication(store, "users/1.parquet", b"old" * 1000)])
    with (destination / "users/1.parquet").open("rb") as reader:
        store.replace({"users": [publication(store, "users/2.parquet", b"new")]})
        store.close_run()
        assert reader.read() == b"old" * 1000


def test_exchange_swaps_two_directories(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    with pytest.raises(OSError, match="No such file") as caught:
        exchange(tmp_path / "a", tmp_path / "nothing")
    assert caught.value.errno == errno.ENOENT


def test_two_renames_do_where_directories_cannot_be_exchanged(store, destination):
    store.publish([publication(store, "users/1.parquet", b"old")])
    tree = store._area / "tree"
    tree.mkdir()
    (tree / "2.parquet").write_bytes(b"new")
    store._swap_in_two_steps(tree, destination / "users")
    assert visible(destination / "users") == {"2.parquet": b"new"}
    assert [path.name for path in tree.iterdir()] == ["1.parquet"]


def test_a_stream_lost_between_the_two_renames_is_put_back_by_the_next_run(destination):
    """What a process killed there leaves behind: a lock nobody holds, and the old tree in its area."""
    died = LocalStore(destination)
    died.open_run("20260101T000000Z-dead")
    aside = died._area / "replaced/users"
    aside.mkdir(parents=True)
    (aside / "1.parquet").write_bytes(b"old")
    os.close(died._claimed._lock_fd)

    store = LocalStore(destination)
    store.open_run("20260102T000000Z-next")
    store.clean_up(list)
    assert visible(destination) == {"users/1.parquet": b"old"}
    store.close_run()


def test_newest_files_come_first_and_are_limited(store, destination):
    for age, name in enumerate(["new", "middle", "old"]):
        store.publish([publication(store, f"users/p=1/{name}.parquet")])
        os.utime(destination / f"users/p=1/{name}.parquet", (1_700_000_000 - age, 1_700_000_000 - age))
    assert store.newest("users", 2) == ["users/p=1/new.parquet", "users/p=1/middle.parquet"]
    assert store.newest("nothing", 2) == []


def test_published_files_can_be_read(store):
    store.publish([publication(store, "users/1.parquet", b"content")])
    with store.open_input("users/1.parquet") as file:
        assert file.read() == b"content"
    with pytest.raises(StoreError, match=r"cannot read .*users/2\.parquet"):
        store.open_input("users/2.parquet")


def test_a_destination_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write to .*file/lake: Not a directory"):
        LocalStore(tmp_path / "file/lake").open_run("20260102T030405Z-x")


def test_names_that_differ_in_case_are_different_here(store, destination):
    assert store.case_sensitive == (not Path(str(destination).upper() + "/.DATIVO").exists())


def test_publishing_waits_for_another_run_that_publishes(store, destination):
    with (destination / ".dativo/publish.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        publishing = Thread(target=store.publish, args=([publication(store, "users/1.parquet")],))
        publishing.start()
        publishing.join(0.2)
        assert publishing.is_alive()
        assert visible(destination) == {}
    publishing.join()
    assert list(visible(destination)) == ["users/1.parquet"]
