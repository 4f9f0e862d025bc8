"""What maturin generates from native/ffi: cffi objects that Python's types cannot describe."""

from typing import Any

ffi: Any
lib: Any
