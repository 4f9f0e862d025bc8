"""Secrets in AWS Secrets Manager."""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Any

from dativo.errors import SecretBackendDown, SecretError
from dativo.secrets.backends import Payload

if TYPE_CHECKING:
    from dativo.jobs.secret_backends import AwsSecrets
    from dativo.secrets.scope import Scope

SECONDS = 15
_VERSION_ID = re.compile(r"[0-9a-fA-F-]{32,64}")
_TEMPORARY = {"ThrottlingException", "InternalServiceError", "ServiceUnavailable", "RequestTimeout"}


class AwsBackend:
    """Credentials are those that AWS tools find: variables, ~/.aws, the role of the machine."""

    name = "aws"

    def __init__(self, source: AwsSecrets) -> None:
        self._source = source
        self._opening = Lock()
        self._client: Any = None
        self.warnings: list[str] = []

    def place(self, scope: Scope, name: str) -> str:
        return f"aws {scope.place(self._source.name, name)}"

    def fetch(self, scope: Scope, name: str, version: str | None) -> Payload | None:
        """`version` is a stage, such as AWSPREVIOUS, or the id of a version."""
        place, botocore = self.place(scope, name), _botocore()
        which = {}
        if version is not None:
            which["VersionId" if _VERSION_ID.fullmatch(version) else "VersionStage"] = version
        try:
            secret = self._opened().get_secret_value(SecretId=scope.place(self._source.name, name), **which)
        except botocore.ClientError as error:
            return self._refused(error, place)
        except (botocore.NoCredentialsError, botocore.NoRegionError, botocore.ProfileNotFound) as error:
            raise SecretError(f"{place}: {error}") from error
        except botocore.BotoCoreError as error:
            raise SecretBackendDown(f"{place}: AWS Secrets Manager does not answer: {error}") from error
        return Payload(secret.get("SecretString", secret.get("SecretBinary", b"")))

    @staticmethod
    def _refused(error: Any, place: str) -> None:
        """None where AWS says that there is no such secret."""
        code = error.response["Error"].get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "ResourceNotFoundException":
            return
        if code in _TEMPORARY or status >= 500:
            raise SecretBackendDown(f"{place}: AWS Secrets Manager does not answer: {code}") from error
        message = error.response["Error"].get("Message", "")
        raise SecretError(f"{place}: AWS Secrets Manager refuses: {code}: {message}") from error

    def _opened(self) -> Any:
        with self._opening:
            if self._client is None:
                import boto3  # type: ignore[import-untyped]
                from botocore.config import Config

                session = boto3.Session(profile_name=self._source.profile, region_name=self._source.region)
                limits = Config(
                    connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 3}
                )
                self._client = session.client(
                    "secretsmanager", endpoint_url=self._source.endpoint, config=limits
                )
            return self._client


def _botocore() -> Any:
    try:
        import boto3  # noqa: F401
        import botocore.exceptions
    except ImportError as error:
        raise SecretError("aws: it needs boto3: pip install 'dativo[aws]'") from error
    return botocore.exceptions
