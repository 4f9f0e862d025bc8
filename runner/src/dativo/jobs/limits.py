"""What a run may use and how long it may take: the parts of a job that a project can set for all of them."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from dativo.jobs.describe import described
from dativo.jobs.quantities import Bytes, Duration
from dativo.records import dataclass

Sandbox = Literal["none", "strict"]

HOPELESS = (
    r"(?i)config.*(invalid|missing|required)",
    r"(?i)(password )?authentication failed",
    r"\b(401|403)\b|(?i:unauthorized|forbidden|permission denied)",
    r"No such file",
)
"""Last words of a connector after which another try is pointless."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connector may use, with every process it starts; it is stopped when it goes beyond."""

    memory: Bytes | None = field(
        default=None,
        metadata=described("Memory of its own. Left out, 75 % of the machine's.", minimum=1, example="2GiB"),
    )
    processes: int = field(default=512, metadata=described("Processes at once.", minimum=1, example=64))
    open_files: int = field(
        default=4096, metadata=described("Open files of one process.", minimum=16, example=1024)
    )
    cpu_seconds: Duration | None = field(
        default=None, metadata=described("Processor time of the whole run.", minimum=1, example="1h")
    )
    cpu_share: float | None = field(
        default=None,
        metadata=described(
            "Processors at once (2.0 is two whole ones); only where there is a cgroup (isolation.md).",
            minimum=0.01,
            example=1.5,
        ),
    )
    disk: Bytes | None = field(
        default=None, metadata=described("What it may write to disk.", minimum=1, example="10GiB")
    )
    file_size: Bytes | None = field(
        default=None, metadata=described("Size of one file it writes.", minimum=1, example="4GiB")
    )
    log_bytes: Bytes = field(
        default=Bytes(256 << 20),
        metadata=described("What it may write to its log.", minimum=1, example="256MiB"),
    )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long things may take."""

    run: Duration | None = field(
        default=None, metadata=described("The whole run, every attempt of it.", example="6h")
    )
    idle: Duration = field(
        default=Duration(3600),
        metadata=described(
            "Nothing moves: no byte through any pipe, no log line, no processor time of any side.",
            example="1h",
        ),
    )
    discover: Duration = field(
        default=Duration(600), metadata=described("Discovery of the catalog.", example="10m")
    )
    recover: Duration = field(
        default=Duration(3600),
        metadata=described("What the target does to find its durable state.", example="1h"),
    )
    grace: Duration = field(
        default=Duration(30),
        metadata=described("From asking a connector to stop until it is killed.", example="30s"),
    )


@dataclass(frozen=True, slots=True)
class Retries:
    """What happens after a failure that may pass by itself; configuration errors are never tried again."""

    attempts: int = field(
        default=3,
        metadata=described(
            "Tries without progress before giving up; 1 is none again. A try in which the state moved starts "
            "the count anew.",
            minimum=1,
            example=5,
        ),
    )
    delay: Duration = field(
        default=Duration(5), metadata=described("Wait before the second try.", example="5s")
    )
    factor: float = field(
        default=2.0, metadata=described("How much longer each further wait is.", minimum=1, example=2.0)
    )
    max_delay: Duration = field(default=Duration(300), metadata=described("Longest wait.", example="5m"))
    jitter: bool = field(
        default=True,
        metadata=described("Wait a random part of that, so that jobs do not come back all at once."),
    )
    never: tuple[str, ...] = field(
        default=HOPELESS,
        metadata=described(
            "Regular expressions: a connector whose last words match one is not tried again.",
            example=["quota exceeded"],
        ),
    )
    total: int = field(
        default=20, metadata=described("Tries in all, progress or not.", minimum=1, example=20)
    )


@dataclass(frozen=True, slots=True)
class Parallel:
    """What may happen at once."""

    streams: int = field(
        default=1,
        metadata=described(
            "How many streams are loaded at once, each by a pair of connectors and with a state of its own; "
            "the tap must discover and take a catalog. See [state.md](state.md#streams-at-once).",
            minimum=1,
            example=4,
        ),
    )
