"""The target killed at random moments of its run, and the recovery too: nothing is lost, nothing is doubled.

`DATIVO_CRASH_ROUNDS` says how many kills there are, half of them while appending, half while overwriting.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.e2e.crash.tormentor import torment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.crash.places import Place

KILLS = int(os.environ.get("DATIVO_CRASH_ROUNDS", "100"))


@pytest.mark.parametrize("new_place", ["local", "s3"], indirect=True)
@pytest.mark.parametrize("load_method", ["append-only", "overwrite"])
def test_kills_at_random_moments_lose_nothing_and_double_nothing(
    tmp_path: Path,
    new_place: Callable[[Path], Place],
    load_method: str,
    record_property: Callable[[str, object], None],
) -> None:
    seen = torment(tmp_path, new_place, load_method, -(-KILLS // 2))
    record_property("seen", dict(sorted(seen.items())))
    assert seen["kills"] >= KILLS // 2
