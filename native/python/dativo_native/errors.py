"""What the core can refuse to do, by what the caller should do about it.

```
NativeError
├── InvalidArgument     fix the call: an option, the order of calls, a value that has no text
├── UnsupportedSchema   plan the stream another way: other column type, no native validation
├── LineTooLong         raise max_line_bytes or repair the input; the reader stays failed
├── InvalidValue        leave the column out, read it as text, or repair the row; the rows cannot be read on
├── IoError             the input cannot be read; retry from the last durable STATE
└── InternalError       a defect of the core; the handle is dead, report it
```
"""


class NativeError(Exception):
    """A call into the core failed.

    Attributes:
        code: the `DativoStatus` of the C ABI.
        line: 1-based input line, or row, it is about, 0 if none.
        stream: stream it is about.
        retryable: whether the same may succeed later.
    """

    def __init__(
        self, message: str, *, code: int, line: int = 0, stream: str | None = None, retryable: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.stream = stream
        self.retryable = retryable


class InvalidArgument(NativeError):  # noqa: N818 - named for what the caller gave
    """The call is wrong."""


class UnsupportedSchema(NativeError):  # noqa: N818
    """A column type or a validation keyword that the core does not implement; the message says where."""


class LineTooLong(NativeError):  # noqa: N818
    """A line exceeds `ReaderOptions.max_line_bytes`."""


class InvalidValue(NativeError):  # noqa: N818
    """A value, which is not shown, does not fit its column, which the message names; `line` is its row."""


class IoError(NativeError):
    """The input cannot be read."""


class InternalError(NativeError):
    """The core panicked, or an earlier call on the same handle did."""
