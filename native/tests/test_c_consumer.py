"""C programs against the checked-in header and the built library (issue 2), under valgrind."""

import shutil
import subprocess
from pathlib import Path

import dativo_native
import pytest

HERE = Path(__file__).parent
LIBRARY = Path(dativo_native.__file__).parent / "_abi" / "lib_abi.so"
INPUT = b"""\
{"type":"SCHEMA","stream":"s","schema":{"properties":{}},"key_properties":[]}
{"type":"RECORD","stream":"s","record":{"id":1,"name":"a"}}
{"type":"RECORD","stream":"s","record":{"name":"\\u00e9\\n","id":null,"extra":0}}
{"type":"RECORD","stream":"s","record":{"id":"x"}}
{"type":"STATE","value":{"bookmarks":{"s":1}}}
{"type":"RECORD","stream":"s","record":{"id":-2}}
"""
PRINTED = """\
SCHEMA s line 1
NOTICE unknown-property /extra
INVALID line 4 at "/id": expected integer, got string
BATCH s line 3 rows 2
  id=1 name=a
  id=null name=é

{"type":"RECORD","stream":"s","record":{"id":1,"name":"a"},"version":3,"time_extracted":"2024-01-01T00:00:00Z"}
{"type":"RECORD","stream":"s","record":{"id":null,"name":"é\\n"},"version":3,"time_extracted":"2024-01-01T00:00:00Z"}
STATE {"bookmarks":{"s":1}}
BATCH s line 6 rows 1
  id=-2 name=null
{"type":"RECORD","stream":"s","record":{"id":-2,"name":null},"version":3,"time_extracted":"2024-01-01T00:00:00Z"}
END
lines 6 records 3 invalid 1
live handles 0
"""


def tool(name):
    path = shutil.which(name)
    assert path, f"{name} is needed to prove the C ABI: install it (apt-get install {name})"
    return path


def compiled(name, directory):
    """A compiled program; warnings are errors, so the header is held to standard C as well."""
    program = directory / name
    compiler = shutil.which("cc") or tool("gcc")
    flags = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-O1"]
    link = [str(LIBRARY), f"-Wl,-rpath,{LIBRARY.parent}"]
    include = f"-I{HERE.parent / 'include'}"
    source = str(HERE / f"{name}.c")
    subprocess.run([compiler, *flags, include, source, "-o", str(program), *link], check=True)
    return program


@pytest.fixture(scope="module")
def consumer(tmp_path_factory):
    return compiled("consumer", tmp_path_factory.mktemp("consumer"))


@pytest.fixture
def stream(tmp_path):
    path = tmp_path / "input.singer"
    path.write_bytes(INPUT)
    return path


def test_c_program_reads_and_writes_a_stream(consumer, stream):
    run = subprocess.run([consumer, stream], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == PRINTED


def test_c_program_is_clean_under_valgrind(consumer, stream):
    assert under_valgrind(consumer, stream) == PRINTED


def under_valgrind(*program):
    valgrind = [tool("valgrind"), "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=all"]
    valgrind += ["--errors-for-leak-kinds=definite,indirect,possible", "--quiet"]
    run = subprocess.run([*valgrind, *program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


CHANGES = """\
IDLE
RELATION 77 {"columns":[{"key":true,"modifier":-1,"name":"id","type_oid":20},\
{"key":false,"modifier":-1,"name":"v","type_oid":25}],\
"identity":"d","relid":77,"schema":"public","table":"t"}
BATCH 77 rows 2
  id=1 v=a unchanged=0
  id=1 v= unchanged=1
COMMIT 7 at 32 up to 40
KEEPALIVE 52
COMMIT 0 at 0 up to 52
BATCH 77 rows 1
  id=2 v=b unchanged=0
COMMIT 9 at 64 up to 72
code 5: column "": malformed binary data: it ends too early
live handles 0
"""


def test_changes_in_c_are_clean_under_valgrind(tmp_path):
    """Functions that stand for those of libpq: what they hand out is freed, once."""
    assert under_valgrind(compiled("consumer_changes", tmp_path)) == CHANGES


def test_what_a_fuzzer_found_is_clean_under_valgrind(consumer, tmp_path):
    """The whole corpus as one stream, its columns named as those that the program plans."""
    inputs = sorted((HERE.parent / "fuzz/corpus/decode").iterdir())
    lines = b"\n".join(path.read_bytes()[1:] for path in inputs)
    stream = tmp_path / "corpus.singer"
    stream.write_bytes(
        INPUT.splitlines(keepends=True)[0] + lines.replace(b'"i"', b'"id"').replace(b'"u"', b'"name"') + b"\n"
    )
    valgrind = [tool("valgrind"), "--error-exitcode=9", "--leak-check=full", "--quiet"]
    run = subprocess.run([*valgrind, consumer, stream], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout.endswith(b"live handles 0\n")
    assert run.stdout.count(b"INVALID") > len(inputs)


@pytest.mark.parametrize("language", ["c", "c++"])
def test_header_compiles_next_to_another_arrow_header(language, tmp_path):
    """The Arrow structs are guarded as the Arrow C Data Interface demands."""
    header = (HERE.parent / "include" / "dativo.h").read_text()
    arrow = header[
        header.index("#ifndef ARROW_C_DATA_INTERFACE") : header.index("typedef struct ArrowSchema")
    ]
    source = tmp_path / "both.c"
    source.write_text(f'#include <stdint.h>\n{arrow}\n#include "dativo.h"\n')
    compiler = shutil.which("cc") or tool("gcc")
    include = f"-I{HERE.parent / 'include'}"
    subprocess.run(
        [compiler, "-fsyntax-only", "-x", language, "-Wall", "-Werror", include, source], check=True
    )
