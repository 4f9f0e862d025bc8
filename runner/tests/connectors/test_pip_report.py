"""What pip would install, as it reports it, becomes requirements with hashes."""

from __future__ import annotations

import hashlib

import pytest
from dativo.connectors.installers import pinned
from dativo.errors import InstallError

INDEX = "https://user:pw@index.example/tap_x-1.2-py3-none-any.whl"


def report(url, archive_info, *, is_direct):
    found = {"url": url, **({} if archive_info is None else {"archive_info": archive_info})}
    metadata = {"name": "tap-x", "version": "1.2"}
    return {"install": [{"download_info": found, "is_direct": is_direct, "metadata": metadata}]}


def test_what_comes_from_an_index_is_named_by_its_version():
    told = report(INDEX, {"hashes": {"sha256": "ab"}}, is_direct=False)
    assert list(pinned(told)) == ["tap-x==1.2 --hash=sha256:ab"]


def test_a_file_is_named_by_its_place():
    told = report("file:///w/tap_x.whl", {"hashes": {"sha256": "ab"}}, is_direct=True)
    assert list(pinned(told)) == ["tap-x @ file:///w/tap_x.whl --hash=sha256:ab"]


@pytest.mark.parametrize("archive_info", [None, {}, {"hashes": {}}])
def test_the_hash_of_a_file_that_pip_does_not_tell_is_taken_here(tmp_path, archive_info):
    wheel = tmp_path / "a wheel.whl"
    wheel.write_bytes(b"wheel")
    (line,) = pinned(report(wheel.as_uri(), archive_info, is_direct=True))
    assert line == f"tap-x @ {wheel.as_uri()} --hash=sha256:{hashlib.sha256(b'wheel').hexdigest()}"


@pytest.mark.parametrize("url", ["file:///no/such.whl", "git+https://git.example/x.git", INDEX])
def test_what_has_no_hash_is_refused_without_its_password(url):
    with pytest.raises(InstallError, match="which has no hash to lock") as caught:
        list(pinned(report(url, None, is_direct=True)))
    assert "pw" not in str(caught.value)


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(InstallError, match="has no hash to lock"):
        list(pinned(report(tmp_path.as_uri(), None, is_direct=True)))
