import random
import threading

import pyarrow as pa
import pytest
from dativo_protocol.page_encoding import choose_page_encoding
from target_parquet.encoders import Encoders
from target_parquet.lane import Lane
from target_parquet.parquet import MAX_GROUP_ROWS, Encoding, ParquetPart
from target_parquet.part_writer import PartWriter
from target_parquet.shared_settings import MIB
from target_parquet.writer_pool import WriterPool

SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string()), ("value", pa.float64())])


def batch(start, count, *, repetitive, seed=0):
    chance = random.Random(f"{seed}-{start}")
    words = ["carefully", "final", "deposits", "blithely", "regular"]
    texts = [
        " ".join(chance.choices(words, k=6)) if repetitive else f"{chance.getrandbits(256):x}"
        for _ in range(count)
    ]
    values = [chance.random() for _ in range(count)]
    return pa.record_batch(
        [pa.array(range(start, start + count)), pa.array(texts), pa.array(values)], schema=SCHEMA
    )


class Files:
    """Takes finished files of a real store and remembers their sizes."""

    def __init__(self, store):
        self._store = store
        self.open = 0
        self.most_open = 0
        self.sizes = []
        self.groups = []
        self.rows = []
        self.parts = []

    def open_part(self, rows, pages):
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        encoding = Encoding("zstd", 1, pages or choose_page_encoding(rows))
        self.parts.append(ParquetPart(self._store.stage("users/1.parquet"), rows.schema, encoding))
        return self.parts[-1]

    def finish_part(self, part):
        self.open -= 1
        self.sizes.append(part.close())
        with pa.parquet.ParquetFile(part.staged.path) as file:
            metadata = file.metadata
            self.groups += [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
            self.rows += file.read(columns=["id"]).column("id").to_pylist()


@pytest.fixture
def files(store):
    import pyarrow.parquet  # noqa: F401 -- as pa.parquet

    return Files(store)


@pytest.fixture
def part_writer(files):
    """Makes writers with encoders of their own."""
    all_encoders = []

    def make(pool, file_bytes, lanes=1, schema=SCHEMA):
        encoders = Encoders(lanes)
        all_encoders.append(encoders)

        def open_lane():
            return Lane(file_bytes, files.open_part, files.finish_part, pool, encoders)

        return PartWriter(schema, open_lane, encoders, pool)

    yield make
    for encoders in all_encoders:
        encoders.close()


@pytest.mark.parametrize("repetitive", [True, False])
@pytest.mark.parametrize("buffer_mib", [1, 8, 64])
@pytest.mark.parametrize("lanes", [1, 3])
def test_files_are_rolled_within_a_fifth_of_the_size_wanted(
    files, part_writer, repetitive, buffer_mib, lanes
):
    writer = part_writer(WriterPool(buffer_mib * MIB), MIB, lanes)
    for start in range(0, 240_000, 20_000):
        writer.append(batch(start, 20_000, repetitive=repetitive))
    writer.finish()
    assert len(files.sizes) >= 4
    assert all(size >= 0.8 * MIB for size in files.sizes[:-lanes]), files.sizes
    assert all(size <= 1.2 * MIB for size in files.sizes), files.sizes
    assert files.most_open <= lanes
    assert (sorted(files.rows) if lanes > 1 else files.rows) == list(range(240_000))


def test_a_row_group_never_has_more_rows_than_readers_like(files, part_writer):
    schema = pa.schema([("id", pa.int64())])
    writer = part_writer(WriterPool(1 << 40), 128 * MIB, schema=schema)
    for start in range(0, 3_000_000, 500_000):
        writer.append(pa.record_batch([pa.array(range(start, start + 500_000))], schema=schema))
    writer.finish()
    assert sum(files.groups) == 3_000_000
    assert max(files.groups) <= MAX_GROUP_ROWS


def test_rows_that_cannot_be_written_are_told_of_in_the_end(files, part_writer):
    pool = WriterPool(1)
    writer = part_writer(pool, 64 * MIB, lanes=2)  # every append is written at once
    writer.append(batch(0, 10, repetitive=True))
    files.parts[0].staged.sink.close()
    with pytest.raises(ValueError, match="closed file"):
        writer.finish()
    pool.abandon()


def test_rows_that_wait_are_bounded_over_all_writers(files, part_writer):
    """As many writers as one likes hold no more than the pool allows."""
    pool = WriterPool(2 * MIB)
    writers = [part_writer(pool, 64 * MIB) for _ in range(40)]
    largest = 0
    for turn in range(10):
        for number, writer in enumerate(writers):
            rows = batch(turn * 1000, 500 + number * 20, repetitive=True, seed=number)
            writer.append(rows)
            largest = max(largest, rows.nbytes)
            assert pool.held_bytes <= 2 * MIB
    for writer in writers:
        writer.finish()
    assert pool.held_bytes == 0
    assert len(files.rows) == sum(10 * (500 + number * 20) for number in range(40))


def test_the_fullest_writer_writes_first(files, part_writer):
    pool = WriterPool(MIB)
    small, large = (part_writer(pool, 64 * MIB) for _ in range(2))
    small.append(batch(0, 100, repetitive=True))
    for start in range(0, 20_000, 1000):
        large.append(batch(start, 1000, repetitive=True))
    assert small.pending_bytes
    assert files.open == 1
    small.finish()
    large.finish()


def test_open_files_are_bounded(files, part_writer):
    pool = WriterPool(1, open_files=5)  # every append is written at once
    writers = [part_writer(pool, 64 * MIB) for _ in range(20)]
    for _ in range(2):
        for writer in writers:
            writer.append(batch(0, 10, repetitive=True))
    for writer in writers:
        writer.finish()
    assert files.most_open == 5
    assert len(files.sizes) == 40
    assert len(files.rows) == 400


def test_the_file_used_last_is_closed_last(files, part_writer):
    pool = WriterPool(1, open_files=2)
    busy, idle, late = (part_writer(pool, 64 * MIB) for _ in range(3))
    busy.append(batch(0, 10, repetitive=True))
    idle.append(batch(100, 10, repetitive=True))
    busy.append(batch(10, 10, repetitive=True))
    late.append(batch(200, 10, repetitive=True))
    assert files.rows == list(range(100, 110))
    for writer in (busy, idle, late):
        writer.finish()


def test_finishing_without_rows_makes_no_file(files, part_writer):
    part_writer(WriterPool(MIB), MIB).finish()
    assert files.sizes == []


@pytest.fixture
def gates(monkeypatch):
    """Holds up each file's row groups until its gate, in the order of the files, is opened."""
    waiting = [threading.Event() for _ in range(3)]
    number = {}
    write = ParquetPart.write

    def wait_and_write(part, rows):
        waiting[number.setdefault(part, len(number))].wait(30)
        write(part, rows)

    monkeypatch.setattr(ParquetPart, "write", wait_and_write)
    yield waiting
    for gate in waiting:
        gate.set()


def large(start):
    return batch(start, 60_000, repetitive=False)


def test_an_idle_encoder_does_not_wait_for_a_full_buffer(files, part_writer):
    rows = large(0)
    writer = part_writer(WriterPool(2 * rows.nbytes), 64 * MIB)
    writer.append(rows)
    assert writer.pending_bytes == 0
    writer.finish()


def test_a_busy_encoder_gets_larger_row_groups(files, part_writer, gates):
    rows = large(0)
    writer = part_writer(WriterPool(2 * rows.nbytes), 64 * MIB)
    writer.append(rows)
    writer.append(large(60_000))
    assert writer.pending_bytes
    gates[0].set()
    writer.append(large(120_000))
    writer.finish()
    assert files.groups == [60_000, 120_000]


def test_the_next_rows_go_to_the_file_that_is_ready_first(files, part_writer, gates):
    writer = part_writer(WriterPool(1), 64 * MIB, lanes=2)  # every append is written at once
    writer.append(batch(0, 10, repetitive=True))
    writer.append(batch(10, 10, repetitive=True))
    gates[1].set()
    writer.append(batch(20, 10, repetitive=True))
    gates[0].set()
    writer.finish()
    assert files.rows == [*range(10), *range(10, 30)]
    assert files.groups == [10, 10, 10]


def test_the_last_rows_are_shared_among_the_open_files(files, part_writer, gates):
    writer = part_writer(WriterPool(1 << 40), 64 * MIB, lanes=2)
    for start in (0, 10):
        writer.append(batch(start, 10, repetitive=False))
        writer.flush()
    writer.append(large(20))
    writer.append(large(60_020))
    for gate in gates:
        gate.set()
    writer.finish()
    assert sorted(files.groups) == [10, 10, 60_000, 60_000]
    assert files.parts[1].pages is files.parts[0].pages
