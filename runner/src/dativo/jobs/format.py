"""The job format, declared once: reading, the JSON Schema and docs/jobs.md all come from these classes."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (field types are read at run time)
from dataclasses import field
from typing import Any, Literal

from dativo.jobs.describe import described
from dativo.jobs.limits import Limits, Parallel, Retries, Sandbox, Timeouts
from dativo.jobs.names import CONNECTOR, NAME, STORE, TENANT, VARIABLE
from dativo.jobs.quantities import Duration
from dativo.jobs.secret_text import SecretText  # noqa: TC001
from dativo.records import dataclass


@dataclass(frozen=True, slots=True)
class Paths:
    """Files of the machine that a sandboxed connector may reach."""

    read: tuple[str, ...] = field(
        default=(),
        metadata=described("Files and directories it may read.", item=".+", example=["/data/in"]),
    )
    write: tuple[str, ...] = field(
        default=(),
        metadata=described("Directories it may write to.", item=".+", example=["/data/lake"]),
    )


_CONFIG = (
    " Relative paths start at the directory of the job file. Texts may hold `${VAR}`, `${VAR:-default}` and "
    "`${secret:NAME}`."
)
_ENV = described(
    "Environment variables that are passed on to it, besides those that every connector gets.",
    item=VARIABLE,
    example=["AWS_PROFILE"],
)
_PATHS = described("What it may reach in a sandbox, besides what the registry derives from its settings.")
_NETWORK = described("Whether it may use the network in a sandbox, whatever the registry says.")
_LIMITS = described("Limits of this connector, key by key over those of the job.")
_SANDBOX = described("Sandbox of this connector, over that of the job.")


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from."""

    connector: str = field(
        metadata=described(
            "Name of a tap in the registry, with `@VERSION` that version of it (`@1.2` is the newest 1.2).",
            pattern=CONNECTOR,
            example="tap-csv",
        )
    )
    config: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=described(
            "Settings of the tap, as `tap-… --about` describes them." + _CONFIG,
            example={"files": [{"entity": "users", "path": "data/users.csv", "keys": ["id"]}]},
        ),
    )
    select: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Which streams and properties to load, as in Meltano: `stream.property` with `*`, `?` and `[…]`; "
            "a leading `!` excludes, and exclusion wins. Left out, the tap decides (its default streams).",
            example=["users.*", "!users.password"],
        ),
    )
    metadata: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict,
        metadata=described(
            "Singer metadata to set in the catalog, as in Meltano: stream pattern → key → value, or stream "
            "pattern → property pattern → key → value.",
            example={"users": {"replication-method": "INCREMENTAL", "replication-key": "updated_at"}},
        ),
    )
    schema: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict,
        metadata=described(
            "JSON Schema to put in the place of a property's in the catalog, as in Meltano: stream pattern → "
            "property → schema.",
            example={"users": {"created": {"type": ["string", "null"], "format": "date-time"}}},
        ),
    )
    catalog: str | None = field(
        default=None,
        metadata=described(
            "Catalog file to use in place of discovery; `select`, `metadata` and `schema` still apply to it.",
            pattern=".+",
            example="catalogs/users.json",
        ),
    )
    env: tuple[str, ...] = field(default=(), metadata=_ENV)
    paths: Paths = field(default_factory=Paths, metadata=_PATHS)
    network: bool = field(default=False, metadata=_NETWORK)
    limits: Limits = field(default_factory=Limits, metadata=_LIMITS)
    sandbox: Sandbox = field(default="none", metadata=_SANDBOX)

    @property
    def needs_catalog(self) -> bool:
        """Whether the tap is to be started with a catalog."""
        return bool(self.select or self.metadata or self.schema or self.catalog)


@dataclass(frozen=True, slots=True)
class Mapper:
    """A program between the source and the target: it reads Singer messages and writes Singer messages."""

    connector: str = field(
        metadata=described(
            "Name of a mapper in the registry.", pattern=CONNECTOR, example="meltano-map-transformer"
        )
    )
    config: Mapping[str, Any] = field(
        default_factory=dict, metadata=described("Settings of the mapper." + _CONFIG)
    )
    env: tuple[str, ...] = field(default=(), metadata=_ENV)
    paths: Paths = field(default_factory=Paths, metadata=_PATHS)
    network: bool = field(default=False, metadata=_NETWORK)
    limits: Limits = field(default_factory=Limits, metadata=_LIMITS)
    sandbox: Sandbox = field(default="none", metadata=_SANDBOX)


@dataclass(frozen=True, slots=True)
class Target:
    """Where records go."""

    connector: str = field(
        metadata=described(
            "Name of a target in the registry, with `@VERSION` that version of it.",
            pattern=CONNECTOR,
            example="target-parquet",
        )
    )
    config: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=described(
            "Settings of the target, as `target-… --about` describes them." + _CONFIG,
            example={"destination_path": "output"},
        ),
    )
    env: tuple[str, ...] = field(default=(), metadata=_ENV)
    paths: Paths = field(default_factory=Paths, metadata=_PATHS)
    network: bool = field(default=False, metadata=_NETWORK)
    limits: Limits = field(default_factory=Limits, metadata=_LIMITS)
    sandbox: Sandbox = field(default="none", metadata=_SANDBOX)


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Where the job remembers how far it has come."""

    path: str | None = field(
        default=None,
        metadata=described(
            "File that holds the state, relative to the directory of the job file, in place of a store.",
            pattern=".+",
            example="state/users.json",
        ),
    )
    store: str | SecretText | None = field(
        default=None,
        metadata=described(
            "Store to keep the state in, as a URL: `file:`, `s3://bucket/prefix`, `gs://`, `az://`, "
            "`sqlite:///file`, `postgresql://…`. Left out, that of the project, else `.dativo`.",
            pattern=STORE,
            example="s3://company-state/dativo",
        ),
    )
    history: int = field(
        default=50, metadata=described("How many earlier states to keep.", minimum=0, example=50)
    )
    ask_target: bool = field(
        default=True,
        metadata=described("Whether a target that keeps the state with its data is asked for it first."),
    )


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the job is to run; `dativo schedule` prints it for cron, systemd or an orchestrator."""

    cron: str | None = field(
        default=None,
        metadata=described(
            "Five fields, or `@hourly`, `@daily`, `@weekly`, `@monthly`.", example="0 2 * * *"
        ),
    )
    every: Duration | None = field(
        default=None,
        metadata=described("Time from one start to the next, in place of `cron`.", example="15m"),
    )
    timezone: str = field(
        default="UTC", metadata=described("Time zone of `cron`.", pattern=".+", example="Europe/Vienna")
    )
    jitter: Duration = field(
        default=Duration(0),
        metadata=described(
            "Start up to this much later, so that jobs do not start all at once.", example="2m"
        ),
    )
    tags: tuple[str, ...] = field(
        default=(),
        metadata=described("Labels for whoever runs the schedule.", item=NAME, example=["nightly"]),
    )


Occasion = Literal["failure", "success", "recovered", "limit"]


@dataclass(frozen=True, slots=True)
class Notification:
    """Whom to tell how a run ended."""

    webhook: str | SecretText = field(
        metadata=described("URL that the report is posted to.", example="${secret:slack-webhook}")
    )
    on: tuple[Occasion, ...] = field(
        default=("failure",),
        metadata=described(
            "When: `failure`, `success`, `recovered` (a success after a failure), `limit` (a connector was "
            "stopped at a limit).",
            example=["failure", "recovered"],
        ),
    )
    headers: Mapping[str, str | SecretText] = field(
        default_factory=dict, metadata=described("HTTP headers to send along.")
    )
    format: Literal["json", "slack"] = field(
        default="json", metadata=described("The run's report as JSON, or a text for Slack.")
    )
    timeout: Duration = field(
        default=Duration(10), metadata=described("How long one try may take.", example="10s")
    )


@dataclass(frozen=True, slots=True)
class Job:
    """Connectors and what to move between them."""

    name: str = field(
        metadata=described(
            "Name of the job; it stands in logs and names the state.", pattern=NAME, example="users-to-lake"
        )
    )
    source: Source = field(metadata=described("Where records come from."))
    target: Target = field(metadata=described("Where records go."))
    tenant: str | None = field(
        default=None,
        metadata=described(
            "Owner of the job; jobs of two tenants never share a state, a secret or a file.",
            pattern=TENANT,
            example="acme",
        ),
    )
    description: str | None = field(default=None, metadata=described("What the job is for; for people."))
    tags: tuple[str, ...] = field(
        default=(),
        metadata=described("Labels to choose jobs by (`--tag`).", item=NAME, example=["daily", "crm"]),
    )
    mappers: tuple[Mapper, ...] = field(
        default=(), metadata=described("Programs between source and target, in the order records pass them.")
    )
    state: StateSettings = field(
        default_factory=StateSettings,
        metadata=described("Where the job remembers how far it has come."),
    )
    retries: Retries = field(
        default_factory=Retries, metadata=described("What happens after a failure that may pass by itself.")
    )
    limits: Limits = field(
        default_factory=Limits,
        metadata=described("What each connector of the job may use, with everything it starts."),
    )
    timeouts: Timeouts = field(default_factory=Timeouts, metadata=described("How long things may take."))
    sandbox: Sandbox = field(
        default="none",
        metadata=described("`strict` shuts every connector in: its own files, no network unless declared."),
    )
    parallel: Parallel = field(default_factory=Parallel, metadata=described("What may happen at once."))
    schedule: Schedule | None = field(default=None, metadata=described("When the job is to run."))
    notifications: tuple[Notification, ...] = field(
        default=(), metadata=described("Whom to tell how a run ended.")
    )

    @property
    def full_name(self) -> str:
        """`tenant/name`, or the name alone; the `job` member of the state file."""
        return f"{self.tenant}/{self.name}" if self.tenant else self.name
