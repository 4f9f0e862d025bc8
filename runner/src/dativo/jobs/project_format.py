"""The format of `dativo.yaml`, declared once: what its jobs share, and what its tenants may do."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (field types are read at run time)
from dataclasses import field
from typing import Literal

from dativo.jobs.describe import described
from dativo.jobs.format import Notification  # noqa: TC001
from dativo.jobs.limits import Limits, Parallel, Retries, Sandbox, Timeouts
from dativo.jobs.names import STORE, TENANT, VARIABLE
from dativo.jobs.quantities import Bytes, Duration
from dativo.jobs.secret_backends import EnvSecrets, SecretSource
from dativo.jobs.secret_text import SecretText  # noqa: TC001
from dativo.records import dataclass


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a job has that does not say otherwise; mappings are merged key by key."""

    limits: Limits = field(default_factory=Limits, metadata=described("As `limits` of a job."))
    retries: Retries = field(default_factory=Retries, metadata=described("As `retries` of a job."))
    timeouts: Timeouts = field(default_factory=Timeouts, metadata=described("As `timeouts` of a job."))
    sandbox: Sandbox = field(default="none", metadata=described("As `sandbox` of a job."))
    parallel: Parallel = field(default_factory=Parallel, metadata=described("As `parallel` of a job."))
    notifications: tuple[Notification, ...] = field(
        default=(), metadata=described("As `notifications` of a job; a job's own list takes its place.")
    )


@dataclass(frozen=True, slots=True)
class MaxLimits:
    """The most that any connector of a tenant's jobs may use; asking for more is a problem of the job."""

    memory: Bytes | None = field(default=None, metadata=described("Memory.", minimum=1, example="4GiB"))
    processes: int | None = field(default=None, metadata=described("Processes at once.", minimum=1))
    open_files: int | None = field(default=None, metadata=described("Open files.", minimum=16))
    cpu_seconds: Duration | None = field(default=None, metadata=described("Processor time.", minimum=1))
    cpu_share: float | None = field(default=None, metadata=described("Processors at once.", minimum=0.01))
    disk: Bytes | None = field(default=None, metadata=described("What it may write to disk.", minimum=1))
    file_size: Bytes | None = field(default=None, metadata=described("Size of one file.", minimum=1))
    log_bytes: Bytes | None = field(default=None, metadata=described("Size of its log.", minimum=1))


@dataclass(frozen=True, slots=True)
class StateStoreSettings:
    """Where states are kept."""

    store: str | SecretText | None = field(
        default=None,
        metadata=described(
            "URL of the store, as `state.store` of a job. Left out, `.dativo`.",
            pattern=STORE,
            example="s3://company-state/dativo",
        ),
    )
    history: int = field(default=50, metadata=described("How many earlier states to keep.", minimum=0))


@dataclass(frozen=True, slots=True)
class Tenant:
    """What holds for the jobs of one tenant."""

    defaults: Defaults = field(
        default_factory=Defaults, metadata=described("Over the project's defaults, key by key.")
    )
    max_limits: MaxLimits = field(
        default_factory=MaxLimits, metadata=described("The most its jobs may ask for.")
    )
    max_parallel: int = field(
        default=0, metadata=described("How many of its jobs may run at once; 0 is any number.", minimum=0)
    )
    secrets: tuple[SecretSource, ...] = field(
        default=(), metadata=described("Backends to ask in place of the project's.")
    )
    state: StateStoreSettings = field(
        default_factory=StateStoreSettings, metadata=described("Where its states are kept.")
    )
    env: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Variables that its connectors may be given.", item=VARIABLE, example=["AWS_PROFILE"]
        ),
    )
    connectors: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Which connectors its jobs may use, as patterns; left out, all.",
            example=["tap-postgres", "target-*"],
        ),
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """What jobs of this project may do at all."""

    mode: Literal["self_hosted", "cloud"] = field(
        default="self_hosted", metadata=described("Connectors can be limited to one of the two.")
    )
    paths: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Directories that executables named by path may come from, owned by this user or root and not "
            "writable by all; left out, any.",
            item=".+",
            example=["connectors"],
        ),
    )
    trusted_keys: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Public ed25519 keys, base64; a signature by one of them vouches for a connector."
        ),
    )
    require_lock: bool = field(
        default=False,
        metadata=described("Whether only locked (or signed) connectors may run."),
    )
    custom: Literal["allow", "sandbox", "deny"] = field(
        default="allow",
        metadata=described(
            "What becomes of connectors that dativo does not bring and that were not installed from a lock: "
            "`sandbox` runs them as `sandbox: strict` does, whatever their job says."
        ),
    )
    sandbox: Sandbox = field(
        default="none",
        metadata=described("With `strict`, every connector runs in a sandbox, whatever its job says."),
    )


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The audit log."""

    enabled: bool = field(default=True, metadata=described("Whether one is kept."))
    key: str | SecretText | None = field(
        default=None,
        metadata=described("Key that the chain is made with.", example="${secret:audit-key}"),
    )


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Metrics for Prometheus."""

    textfile: str | None = field(
        default=None,
        metadata=described("Directory for one file a job.", pattern=".+", example="/var/lib/node_exporter"),
    )
    listen: str | None = field(
        default=None,
        metadata=described(
            "Address to serve metrics at while jobs run.", pattern=r".*:[0-9]+", example="127.0.0.1:9464"
        ),
    )


@dataclass(frozen=True, slots=True)
class OpenTelemetry:
    """Metrics and traces over OTLP/HTTP."""

    endpoint: str | None = field(
        default=None,
        metadata=described(
            "Base URL of the collector.", pattern="https?://.+", example="http://localhost:4318"
        ),
    )
    headers: Mapping[str, str | SecretText] = field(
        default_factory=dict, metadata=described("HTTP headers to send along.")
    )
    metrics_every: Duration = field(
        default=Duration(10), metadata=described("How often metrics are sent.", example="10s")
    )


@dataclass(frozen=True, slots=True)
class OpenLineage:
    """Lineage events."""

    url: str | None = field(
        default=None,
        metadata=described(
            "Where to post events.", pattern="https?://.+", example="http://marquez:5000/api/v1/lineage"
        ),
    )
    file: str | None = field(
        default=None, metadata=described("File to append them to instead.", pattern=".+")
    )
    namespace: str = field(default="dativo", metadata=described("Namespace of the jobs.", pattern=".+"))
    headers: Mapping[str, str | SecretText] = field(
        default_factory=dict, metadata=described("HTTP headers to send along.")
    )


@dataclass(frozen=True, slots=True)
class Observe:
    """Who is told how runs go."""

    keep_runs: int = field(default=100, metadata=described("How many runs of a job to remember.", minimum=1))
    prometheus: Prometheus = field(default_factory=Prometheus, metadata=described("Metrics for Prometheus."))
    otel: OpenTelemetry = field(default_factory=OpenTelemetry, metadata=described("OpenTelemetry."))
    openlineage: OpenLineage = field(default_factory=OpenLineage, metadata=described("OpenLineage."))


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """`dativo.yaml`: what all jobs below its directory share."""

    version: Literal[1] = field(metadata=described("Version of the format.", example=1))
    home: str = field(
        default=".dativo",
        metadata=described("Directory for states, runs and installed connectors.", pattern=".+"),
    )
    jobs: tuple[str, ...] = field(
        default=("jobs/**/*.yaml",),
        metadata=described("Where job files lie, as patterns.", item=".+", example=["jobs/**/*.yaml"]),
    )
    registries: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Registries of connectors beside the built-in one. Left out, `connectors.yaml` if there is one.",
            item=".+",
            example=["connectors.yaml"],
        ),
    )
    secrets: tuple[SecretSource, ...] = field(
        default=(EnvSecrets(backend="env"),),
        metadata=described("Backends of secrets; the first that has one wins."),
    )
    state: StateStoreSettings = field(
        default_factory=StateStoreSettings, metadata=described("Where states are kept.")
    )
    defaults: Defaults = field(
        default_factory=Defaults, metadata=described("What a job has that does not say otherwise.")
    )
    tenants: Mapping[str, Tenant] = field(
        default_factory=dict, metadata=described("What holds for one tenant's jobs.", item=TENANT)
    )
    policy: Policy = field(default_factory=Policy, metadata=described("What jobs may do at all."))
    audit: AuditSettings = field(default_factory=AuditSettings, metadata=described("The audit log."))
    observe: Observe = field(default_factory=Observe, metadata=described("Who is told how runs go."))
