"""Which backends a project takes secrets from: the `secrets` list of dativo.yaml."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from dativo.jobs.describe import described
from dativo.records import dataclass


@dataclass(frozen=True, slots=True)
class EnvSecrets:
    """Environment variables `DATIVO_SECRET__TENANT__NAME`, `DATIVO_SECRET__GLOBAL__NAME`."""

    backend: Literal["env"] = field(metadata=described("Environment variables."))


@dataclass(frozen=True, slots=True)
class FileSecrets:
    """Files `DIR/TENANT/NAME.json`, `.env`, `.txt` and `DIR/global/…`."""

    backend: Literal["files"] = field(metadata=described("Files."))
    dir: str = field(
        default="secrets",
        metadata=described("Directory, relative to the project.", pattern=".+", example="/run/secrets"),
    )


@dataclass(frozen=True, slots=True)
class VaultSecrets:
    """HashiCorp Vault or OpenBao; VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, say who asks."""

    backend: Literal["vault"] = field(metadata=described("HashiCorp Vault or OpenBao."))
    address: str | None = field(
        default=None,
        metadata=described(
            "Its URL; left out, VAULT_ADDR.", pattern="https?://.+", example="https://vault:8200"
        ),
    )
    mount: str = field(default="secret", metadata=described("Mount point of the engine.", pattern=".+"))
    kv: Literal[1, 2] = field(default=2, metadata=described("Version of the key-value engine."))
    path: str = field(
        default="{tenant}/{name}",
        metadata=described("Path of a secret.", pattern=r".*\{tenant\}.*\{name\}.*"),
    )
    namespace: str | None = field(
        default=None, metadata=described("Namespace; left out, VAULT_NAMESPACE.", pattern=".+")
    )
    auth: Literal["token", "approle"] = field(default="token", metadata=described("How to log in."))


@dataclass(frozen=True, slots=True)
class AwsSecrets:
    """AWS Secrets Manager."""

    backend: Literal["aws"] = field(metadata=described("AWS Secrets Manager."))
    region: str | None = field(
        default=None, metadata=described("Region; left out, as AWS tools find it.", pattern=".+")
    )
    name: str = field(
        default="{tenant}/{name}",
        metadata=described("Id of a secret.", pattern=r".*\{tenant\}.*\{name\}.*"),
    )
    profile: str | None = field(default=None, metadata=described("Profile of ~/.aws.", pattern=".+"))
    endpoint: str | None = field(
        default=None, metadata=described("Another endpoint than Amazon's.", pattern="https?://.+")
    )


@dataclass(frozen=True, slots=True)
class GcpSecrets:
    """Google Cloud Secret Manager."""

    backend: Literal["gcp"] = field(metadata=described("Google Cloud Secret Manager."))
    project: str | None = field(
        default=None, metadata=described("Project; left out, GOOGLE_CLOUD_PROJECT.", pattern=".+")
    )
    name: str = field(
        default="{tenant}__{name}",
        metadata=described("Id of a secret.", pattern=r".*\{tenant\}.*\{name\}.*"),
    )
    version: str = field(
        default="latest", metadata=described("Version, if a reference names none.", pattern=".+")
    )
    endpoint: str = field(
        default="https://secretmanager.googleapis.com",
        metadata=described("Another endpoint than Google's.", pattern="https?://.+"),
    )
    credentials_file: str | None = field(
        default=None,
        metadata=described("Key file; left out, application default credentials.", pattern=".+"),
    )


SecretSource = EnvSecrets | FileSecrets | VaultSecrets | AwsSecrets | GcpSecrets
