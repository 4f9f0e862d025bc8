"""How to reach an S3 store, and how hard to try."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from dativo_protocol.config import setting


@dataclass(frozen=True)
class S3Settings:
    """Settings of `s3://`; without keys the usual AWS places are searched: environment, profile, role."""

    endpoint_url: str | None = setting(
        description="Address of a store other than AWS.",
        default=None,
        examples=("https://minio.example:9000",),
    )
    region: str | None = setting(
        description="Region of the bucket; by default the one of the AWS environment.", default=None
    )
    access_key_id: str | None = setting(description="Access key.", default=None, secret=True)
    secret_access_key: str | None = setting(description="Its secret.", default=None, secret=True)
    session_token: str | None = setting(
        description="Session token of temporary keys.", default=None, secret=True
    )
    path_style: bool | None = setting(
        description="Put the bucket into the path of an address instead of its host name; by default exactly "
        "when there is an `endpoint_url`.",
        default=None,
    )
    max_attempts: int = setting(
        description="Times a request is sent before the store counts as failed; waits between them grow.",
        default=5,
        minimum=1,
    )
    timeout_seconds: float = setting(
        description="Longest wait for a connection or for the next bytes of an answer.",
        default=60.0,
        minimum=0.1,
    )
    upload_threads: int = setting(
        description="Parts of files that are sent at the same time.", default=4, minimum=1, maximum=64
    )
    abandoned_after_hours: float = setting(
        description="Age at which an unfinished upload of a run that ended without a word is removed. It has "
        "to be longer than any run.",
        default=168.0,
        minimum=1,
    )

    def __post_init__(self) -> None:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key go together, give both or neither")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("session_token needs access_key_id and secret_access_key")
        if self.endpoint_url is not None:
            _check_endpoint(self.endpoint_url)

    @property
    def uses_path_style(self) -> bool:
        """Whether the bucket stands in the path of an address."""
        return self.endpoint_url is not None if self.path_style is None else self.path_style


def _check_endpoint(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("endpoint_url: must begin with http:// or https:// and a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("endpoint_url: must be scheme, host and port alone; keys have settings of their own")
