"""Every test of this package leaves nothing alive in the core."""

import dativo_native
import pytest


@pytest.fixture(autouse=True)
def nothing_left_alive():
    before = dativo_native.live_handles()
    yield
    assert (before, dativo_native.live_handles()) == (0, 0), "handles or error texts were not freed"
