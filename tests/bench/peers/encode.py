"""The core alone: Arrow batches into RECORD lines for /dev/null. Usage: encode.py STREAM INPUT PASSES.

Prints how many bytes of lines there were.
"""

import os
import sys

import pyarrow as pa
from dativo_native import RecordEncoder


def main(stream: str, source: str, passes: int) -> None:
    batches = pa.ipc.open_file(pa.memory_map(source))
    sink = os.open(os.devnull, os.O_WRONLY)
    encoder = RecordEncoder(stream, batches.schema)
    written = 0
    for _ in range(passes):
        for index in range(batches.num_record_batches):
            lines = encoder.encode(batches.get_batch(index), "2024-01-01T00:00:00.000000+00:00")
            written += os.write(sink, lines)
    encoder.close()
    print(written)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
