"""Bytes of a file as UTF-8: encodings, compression, and what cannot be decoded."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tap_csv.decoding import MARK, decoder_for
from tap_csv.errors import UnreadableFileError
from tap_csv.sources import list_files
from tap_csv.text import TextSource

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "id,name\n" + "".join(f"{n},Zürich {n}\n" for n in range(5000))


def read(path: Path, encoding: str = "utf-8", *, size: int = 1000) -> tuple[bytes, bool]:
    source = TextSource(list_files(str(path))[0], encoding)
    try:
        data = b"".join(iter(lambda: source.read(size), b""))
    finally:
        source.close()
    return data, source.marked


def zipped(content: bytes) -> bytes:
    import io

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", content)
    return out.getvalue()


COMPRESSORS = {
    "csv": lambda content: content,
    "csv.gz": gzip.compress,
    "csv.bz2": bz2.compress,
    "csv.xz": lzma.compress,
    "csv.zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
    "zip": zipped,
}


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_every_compression_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(COMPRESSORS[suffix](TEXT.encode()))
    assert read(path) == (TEXT.encode(), False)


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.bz2", "csv.xz", "csv.zst"])
def test_parts_compressed_one_after_the_other_are_one_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(b"".join(COMPRESSORS[suffix](part) for part in (b"a\n", b"1\n", b"2\n")))
    assert read(path)[0] == b"a\n1\n2\n"


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.bz2", "csv.xz", "csv.zst", "zip"])
def test_a_file_cut_short_is_an_error_and_not_its_end(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    whole = COMPRESSORS[suffix](TEXT.encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFileError, match=rf"rows\.{suffix}"):
        read(path)


@pytest.mark.parametrize("suffix", ["csv.gz", "csv.bz2", "csv.xz", "csv.zst"])
def test_a_file_that_is_not_compressed_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(TEXT.encode())
    with pytest.raises(UnreadableFileError, match=rf"rows\.{suffix}"):
        read(path)


def test_a_damaged_member_of_an_archive_is_an_error(tmp_path: Path) -> None:
    content = bytearray(zipped(TEXT.encode()))
    content[200] ^= 0xFF
    (tmp_path / "rows.zip").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"rows\.zip/rows\.csv"):
        read(tmp_path / "rows.zip")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("size", [3, 1000])
def test_every_encoding_gives_the_same_bytes(tmp_path: Path, encoding: str, size: int) -> None:
    (tmp_path / "rows.csv").write_bytes(TEXT.encode(encoding))
    assert read(tmp_path / "rows.csv", encoding, size=size) == (TEXT.encode(), False)


@pytest.mark.parametrize(("encoding", "order_mark"), [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe")])
def test_a_byte_order_mark_is_dropped(tmp_path: Path, encoding: str, order_mark: bytes) -> None:
    (tmp_path / "rows.csv").write_bytes(order_mark + "a\n".encode(encoding))
    assert read(tmp_path / "rows.csv", encoding)[0] == b"a\n"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [("utf-8", b"a\n\xff1\n"), ("cp1252", b"a\n\x811\n"), ("ascii", b"a\n\xe91\n"), ("utf-8", b"a\n1\xc3")],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_what_cannot_be_decoded_is_marked(tmp_path: Path, encoding: str, content: bytes, size: int) -> None:
    (tmp_path / "rows.csv").write_bytes(content)
    data, marked = read(tmp_path / "rows.csv", encoding, size=size)
    assert marked
    assert data.decode().replace(MARK, "") in ("a\n1\n", "a\n1")


def test_a_lone_surrogate_is_marked(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("a\n".encode("utf-16-le") + b"\x00\xd8" + "1\n".encode("utf-16-le"))
    assert read(tmp_path / "rows.csv", "utf-16-le") == (f"a\n{MARK}1\n".encode(), True)


@given(st.lists(st.binary(max_size=6) | st.text(max_size=3).map(str.encode), max_size=8))
def test_utf8_in_pieces_is_what_python_makes_of_it_whole(pieces: list[bytes]) -> None:
    assume(MARK.encode() not in b"".join(pieces))
    decoder = decoder_for("utf-8")
    found = b"".join(decoder.decode(piece, final=False) for piece in pieces) + decoder.decode(b"", final=True)
    whole = b"".join(pieces)
    assert found.decode().replace(MARK, "") == whole.decode(errors="ignore")
    assert decoder.marked == (MARK.encode() in found)
