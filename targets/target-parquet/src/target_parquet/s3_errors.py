"""What an S3 store refused, in words of ours: never the library's, which may repeat parts of a request."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from target_parquet.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.exceptions import BotoCoreError, ClientError

_CHECK_KEYS = "Check the keys: the `s3` settings, or the AWS environment, profile or role."
_CHECK_RIGHTS = "Let these keys read, write, list and delete below the destination."
_CHECK_BUCKET = "Create the bucket, or correct destination_path."
_CHECK_ENDPOINT = "Check s3.endpoint_url, s3.region and the network, and run again."
_TRY_LATER = "Run again; if it lasts, look at the store."

_INSTRUCTIONS = {
    "AccessDenied": _CHECK_RIGHTS,
    "403": _CHECK_RIGHTS,
    "AllAccessDisabled": _CHECK_RIGHTS,
    "ExpiredToken": _CHECK_KEYS,
    "InvalidAccessKeyId": _CHECK_KEYS,
    "InvalidToken": _CHECK_KEYS,
    "SignatureDoesNotMatch": _CHECK_KEYS,
    "RequestTimeTooSkewed": "Set the clock of this machine.",
    "NoSuchBucket": _CHECK_BUCKET,
    "PermanentRedirect": "Set s3.region to the region of the bucket.",
    "AuthorizationHeaderMalformed": "Set s3.region to the region of the bucket.",
}
_PASSING_CODES = frozenset(
    {
        "BadDigest",
        "ConditionalRequestConflict",
        "OperationAborted",
        "RequestTimeout",
        "SlowDown",
    }
)
_REASONS = {
    "ConnectTimeoutError": "no connection in time",
    "ReadTimeoutError": "no answer in time",
    "EndpointConnectionError": "nobody answers at the endpoint",
    "ConnectionClosedError": "the connection was closed",
    "ResponseStreamingError": "the connection was closed in the middle of an answer",
    "IncompleteReadError": "the connection was closed in the middle of an answer",
    "ProxyConnectionError": "the proxy does not answer",
    "SSLError": "no secure connection",
    "NoCredentialsError": "there are no keys",
    "PartialCredentialsError": "the keys are not complete",
    "ProfileNotFound": "the AWS profile does not exist",
    "CredentialRetrievalError": "the keys cannot be fetched",
}


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what botocore raises into a `StoreError`; `doing` is a verb and a place."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refused(doing, error) from error
    except BotoCoreError as error:
        raise _failed(doing, error) from error


def code(error: ClientError) -> str:
    """The store's own name of what is wrong, such as `NoSuchKey`; for answers without one the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", "")) or str(_status(error))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _refused(doing: str, error: ClientError) -> StoreError:
    status, name = _status(error), code(error)
    retryable = status >= 500 or status == 429 or name in _PASSING_CODES
    where = f"HTTP {status}" if name != str(status) else "HTTP"
    return StoreError(
        f"cannot {doing}: the store says {name} ({where})",
        instruction=_INSTRUCTIONS.get(name, _TRY_LATER if retryable else ""),
        retryable=retryable,
    )


def _failed(doing: str, error: BotoCoreError) -> StoreError:
    from botocore.exceptions import ConnectionError as ConnectionFailure
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    name = type(error).__name__
    network = isinstance(error, ConnectionFailure | HTTPClientError | IncompleteReadError)
    return StoreError(
        f"cannot {doing}: {_REASONS.get(name, name)}",
        instruction=_CHECK_ENDPOINT if network else _CHECK_KEYS,
        retryable=network,
    )
