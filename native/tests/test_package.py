"""What importing the package means: a public list, one ABI, and no heavy library."""

import subprocess
import sys
import time

import dativo_native


def in_a_new_process(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_public_names_exist_once():
    assert len(set(dativo_native.__all__)) == len(dativo_native.__all__)
    assert all(hasattr(dativo_native, name) for name in dativo_native.__all__)


def test_abi_version_is_that_of_the_header():
    assert dativo_native.ABI_VERSION >> 16 == 1


def test_library_of_another_abi_is_refused():
    code = """
import dativo_native._abi as abi
class Old:
    DATIVO_ABI_VERSION = abi.lib.DATIVO_ABI_VERSION
    dativo_abi_version = staticmethod(lambda: 0x20000)
    def __getattr__(self, name):
        return getattr(real, name)
real, abi.lib = abi.lib, Old()
try:
    import dativo_native.reader
except ImportError as error:
    print(error)
"""
    # The package itself runs the check, so it must not have been imported by the line above it.
    code = code.replace("import dativo_native._abi as abi", IMPORT_ONLY_THE_ABI)
    ours = f"this package was built for {dativo_native.ABI_VERSION:#x}"
    assert f"ABI 0x20000, {ours}" in in_a_new_process(code)


IMPORT_ONLY_THE_ABI = """
import importlib.util, sys, types
package = types.ModuleType("dativo_native")
package.__path__ = importlib.util.find_spec("dativo_native").submodule_search_locations
sys.modules["dativo_native"] = package
import dativo_native._abi as abi
del sys.modules["dativo_native"]
"""


def test_import_is_quick_and_leaves_pyarrow_alone():
    code = """
import sys, time
start = time.process_time()
import dativo_native
print(time.process_time() - start)
assert not {"pyarrow", "numpy"} & set(sys.modules)
"""
    seconds = min(float(in_a_new_process(code)) for _ in range(5))
    assert seconds < 0.06


def test_gil_is_free_while_the_core_waits():
    import os
    import threading

    readable, writable = os.pipe()
    options = dativo_native.ReaderOptions(idle_millis=5_000)
    with dativo_native.RecordReader(readable, options) as reader:
        waiting = threading.Thread(target=reader.next)
        waiting.start()
        start, ticks = time.monotonic(), 0
        while time.monotonic() - start < 0.2:
            ticks += 1
        assert waiting.is_alive()
        assert ticks > 1_000
        os.close(writable)
        waiting.join(timeout=5)
    os.close(readable)
