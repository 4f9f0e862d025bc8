"""The core alone: the digest of Arrow batches. Usage: digest.py INPUT PASSES."""

import sys

import pyarrow as pa
from dativo_native import Digest


def main(source: str, passes: int) -> None:
    batches = pa.ipc.open_file(pa.memory_map(source))
    with Digest(batches.schema) as digest:
        for _ in range(passes):
            for index in range(batches.num_record_batches):
                digest.update(batches.get_batch(index))
        print(digest.value(), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
