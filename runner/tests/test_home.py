"""Where things are kept: the paths, that they are private, and that no link leads out of them."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest
from dativo.home import DIRECTORY, Home, make_private, open_private

ROOT = Path("/p/.dativo")


@pytest.fixture(autouse=True)
def usual_umask():
    """What is private is private whatever the umask lets through."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("tenant", "path", "expected"),
    [
        (None, lambda home: home.state("users"), "_/state/users"),
        ("", lambda home: home.state("users"), "_/state/users"),
        ("acme", lambda home: home.state("users"), "acme/state/users"),
        ("acme", lambda home: home.state("users", "blue"), "acme/state/users+blue"),
        pytest.param("acme", lambda home: home.state("users", None), "acme/state/users", id="no suffix"),
        pytest.param("acme", lambda home: home.state("users", ""), "acme/state/users", id="empty suffix"),
        ("acme", lambda home: home.runs("users"), "acme/runs/users"),
        ("acme", lambda home: home.audit, "acme/audit"),
        (None, lambda home: home.work, "_/work"),
    ],
)
def test_what_a_tenant_keeps_is_below_its_own_directory(tenant, path, expected):
    assert path(Home(ROOT).tenant(tenant)) == ROOT / "tenants" / expected


def test_what_all_share():
    home = Home(ROOT)
    assert home.cache("about") == ROOT / "cache/about"
    assert home.venvs == ROOT / "venvs"
    assert home.migrations == ROOT / "migrations"


def test_tenants_are_those_who_have_kept_something(tmp_path):
    home = Home(tmp_path / DIRECTORY)
    assert home.tenants() == []
    for tenant in ("beta", None, "Acme", "acme"):
        make_private(home.tenant(tenant).audit)
    assert home.tenants() == ["Acme", None, "acme", "beta"]


def test_a_directory_is_made_for_its_owner_with_all_above_it(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    made = make_private(shared / DIRECTORY / "tenants" / "acme")
    assert made == shared / DIRECTORY / "tenants" / "acme"
    assert [mode(each) for each in (made, *made.parents[:2])] == [0o700] * 3
    assert mode(shared) == 0o755, "what was there stays as it is"
    assert make_private(made) == made


def test_it_keeps_itself_out_of_git_from_the_start(tmp_path):
    make_private(tmp_path / "deep" / DIRECTORY / "venvs")
    ignored = tmp_path / "deep" / DIRECTORY / ".gitignore"
    assert ignored.read_text() == "*\n"
    assert mode(ignored) == 0o600
    assert list(tmp_path.rglob(".gitignore")) == [ignored]
    ignored.write_text("!kept\n")
    make_private(tmp_path / "deep" / DIRECTORY / "cache")
    assert ignored.read_text() == "!kept\n", "only one that is new is written to"


def test_a_home_of_another_name_is_nothing_to_git(tmp_path):
    make_private(tmp_path / "states" / "x")
    assert list(tmp_path.rglob(".gitignore")) == []


def test_a_file_is_made_for_its_owner_and_not_inherited(tmp_path):
    path = tmp_path / "run.json"
    descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        os.write(descriptor, b"{}")
        assert fcntl.fcntl(descriptor, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    finally:
        os.close(descriptor)
    assert (mode(path), path.read_text()) == (0o600, "{}")
    with pytest.raises(FileExistsError):
        open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def test_a_link_is_not_followed_even_to_nothing(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    link = tmp_path / "log"
    link.symlink_to(elsewhere)
    for _ in range(2):
        with pytest.raises(OSError, match="log") as caught:
            open_private(link, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        assert caught.value.errno == errno.ELOOP
        if not elsewhere.exists():
            elsewhere.write_text("mine")
    assert elsewhere.read_text() == "mine"


def test_what_is_missing_is_said_by_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_private(tmp_path / "none", os.O_RDONLY)
