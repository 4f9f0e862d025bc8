"""Locks: what they say, what is read from them, and that they are whole or not there."""

from __future__ import annotations

import pytest
from dativo.connectors.lockfile import Lock, LockHead, Locks, normal, pinned_version, read_lock
from dativo.connectors.versions import Spec
from dativo.errors import InstallError

UV = """\
attrs==26.1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:cc
singer-sdk[s3]==0.50.1 \\
    --hash=sha256:dd
Tap_X==1.2.3 \\
    --hash=sha256:ee
"""
PIP = "attrs==26.1.0 --hash=sha256:aa\ntap-x @ file:///w/tap_x-2.0-py3-none-any.whl --hash=sha256:ee\n"


def lock(version="1.2.3", text=UV, name="tap-x"):
    return Lock(LockHead(name, version, "tap-x", "tap-x", "tap-x", ""), text)


@pytest.mark.parametrize(
    ("text", "distribution", "version"),
    [
        (UV, "tap-x", "1.2.3"),
        (UV, "TAP.X", "1.2.3"),
        (UV, "singer_sdk", "0.50.1"),
        (UV, "colorama", "0.4.6"),
        (PIP, "tap-x", "2.0"),
        (PIP, "attrs", "26.1.0"),
        (PIP, "tap-y", None),
    ],
)
def test_the_version_of_a_distribution_is_read_from_what_pins_it(text, distribution, version):
    assert pinned_version(text, distribution) == version


@pytest.mark.parametrize(("text", "count"), [(UV, 4), (PIP, 2), ("", 0)])
def test_packages_are_counted_not_their_hashes(text, count):
    assert lock(text=text).packages == count


def test_names_are_compared_as_indexes_do():
    assert {normal(each) for each in ("Tap_X", "tap.x", "TAP--X", "tap-x")} == {"tap-x"}


def test_a_lock_comes_back_as_it_was_written(tmp_path):
    written = lock()
    path = Locks(tmp_path / "connectors.lock").write(written)
    assert path.name == "tap-x@1.2.3.txt"
    assert read_lock(path) == written
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_digest_follows_what_is_installed_and_nothing_else():
    same = Lock(LockHead("tap-x", "1.2.3", "tap-x", "tap-x==1.*", "other", "3.12", "linux"), UV)
    assert lock().digest == same.digest
    assert lock().digest != lock(text=PIP).digest


def test_pip_reads_what_is_below_the_head_as_requirements(tmp_path):
    text = Locks(tmp_path).write(lock()).read_text()
    head, _, rest = text.partition("\n")
    assert head.startswith("# dativo: {")
    assert rest == UV


def test_the_newest_lock_that_is_allowed_is_found(tmp_path):
    locks = Locks(tmp_path)
    for version in ("1.2.9", "1.2.10", "1.3", "2.0rc1"):
        locks.write(lock(version))
    locks.write(lock("9.9", name="tap-xy"))
    assert locks.find(Spec("tap-x", "1.2")).head.version == "1.2.10"
    assert locks.find(Spec("tap-x", "1")).head.version == "1.3"
    assert locks.find(Spec("tap-x")).head.version == "2.0rc1"
    assert locks.find(Spec("tap-x", "3")) is None
    assert [each.head.version for each in locks if each.head.name == "tap-xy"] == ["9.9"]


def test_a_lock_is_removed_and_one_that_is_gone_too(tmp_path):
    locks = Locks(tmp_path)
    locks.write(lock())
    for _ in range(2):
        locks.remove("tap-x", "1.2.3")
    assert list(locks) == []


@pytest.mark.parametrize(
    "text", ["", "# dativo: {}\n", "# dativo: [1]\n", "attrs==1\n", '# dativo: {"name": "x"}\n']
)
def test_what_is_no_lock_is_named(tmp_path, text):
    path = tmp_path / "tap-x@1.txt"
    path.write_text(text)
    with pytest.raises(InstallError, match=r"tap-x@1\.txt is no lock of dativo: put it back from git"):
        read_lock(path)
