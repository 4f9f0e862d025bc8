"""What happens in a run, as one list of events that every way of watching it takes.

Texts in events are redacted already. Times (`at`) are seconds since `Started.began`, by a clock that never
jumps; the time of day of an event is `began + at`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.observe.log_lines import LogLine, Metric

Role = Literal["tap", "mapper", "target", "sample"]
Verdict = Literal["succeeded", "failed", "interrupted", "killed", "limited", "timed_out"]


@dataclass(frozen=True, slots=True)
class Side:
    """One connector of a run; `name` is unique in the run."""

    role: Role
    name: str
    version: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The run has its lock and begins; always the first event.

    Attributes:
        began: seconds since the epoch.
        run: its id, `20261123T190000.123Z-1f2e3d`.
        sides: in the order of the pipe, tap first.
        secrets: names of the secrets it uses.
        enforcement: limit → by what it is enforced here: "cgroup", "watch", "rlimit" or "none".
    """

    began: float
    run: str
    job: str
    tenant: str | None
    sides: tuple[Side, ...]
    secrets: tuple[str, ...] = ()
    enforcement: Mapping[str, str] | None = None

    @property
    def full_name(self) -> str:
        return f"{self.tenant}/{self.job}" if self.tenant else self.job


@dataclass(frozen=True, slots=True)
class Discovered:
    """What the streams look like: the selected part of the catalog.

    Attributes:
        schemas: stream → JSON Schema.
        rows: stream → about how many rows there are, of streams whose tap says so and that are loaded whole.
    """

    at: float
    schemas: Mapping[str, Mapping[str, object]]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt has ended; the first has number 1.

    Attributes:
        began: when it began, on the clock of `at`.
        states: how many states were stored in it.
        stream: the one that was tried, where each is loaded by itself.
    """

    at: float
    number: int
    began: float
    verdict: Verdict
    reason: str | None
    states: int
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A connector logged a metric."""

    at: float
    side: str
    metric: Metric


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the pipe between two sides is, from 0 to 1."""

    writer: str
    reader: str
    share: float


@dataclass(frozen=True, slots=True)
class PipesSampled:
    """How full the pipes are, in their order from the tap to the target."""

    at: float
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class UsageSampled:
    """What a side and all that it started use: bytes of memory; CPU seconds and written bytes so far."""

    at: float
    side: str
    memory: int
    cpu: float
    sent: int = 0


@dataclass(frozen=True, slots=True)
class StateStored:
    """The target made something durable, and the state says so.

    Attributes:
        text: the state, JSON text.
        seq: its number in the store, if the store counts.
    """

    at: float
    text: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A line for people: of a connector (`side`), or of the runner itself (None).

    Attributes:
        stream: whose connector it is, where each stream has its own.
    """

    at: float
    side: str | None
    line: LogLine
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time has passed; several times a second while the run goes on."""

    at: float


@dataclass(frozen=True, slots=True)
class Exited:
    """A side has ended, `returncode` negative for a signal."""

    at: float
    side: str
    returncode: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over; always the last event.

    Attributes:
        reason: one line, None when it succeeded.
        exit_code: of `dativo run`.
        state: where the state stands, for people.
        limit: key of `limits` that was exceeded.
    """

    at: float
    verdict: Verdict
    reason: str | None
    exit_code: int
    retryable: bool = False
    state: str | None = None
    limit: str | None = None


RunEvent = (
    Started
    | Discovered
    | Attempted
    | Counted
    | PipesSampled
    | UsageSampled
    | StateStored
    | Logged
    | Ticked
    | Exited
    | Ended
)


class Sink(Protocol):
    """One way of watching a run. Called from the thread that moves the run on, so `take` must be short."""

    def take(self, event: RunEvent) -> None: ...

    def close(self) -> None:
        """After `Ended`; may send what it has gathered, within seconds."""
