import os
import subprocess
import sys

import pytest

USED = (
    "from target_parquet.allocator import settle_allocator\n"
    "settle_allocator()\n"
    "import pyarrow\n"
    "print(pyarrow.default_memory_pool().backend_name)"
)


@pytest.mark.parametrize(
    ("given", "used"), [({}, "system"), ({"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"}, "mimalloc")]
)
def test_arrow_takes_the_allocator_of_the_system_unless_told(given, used):
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    outcome = subprocess.run(
        [sys.executable, "-c", USED], env=environment | given, capture_output=True, text=True, check=True
    )
    assert outcome.stdout.strip() == used
