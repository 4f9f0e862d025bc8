"""From a URL to a bucket: what the cloud's own tools take from the environment holds here too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dativo.errors import StateError

SECONDS = 10


def open_bucket(url: str, options: dict[str, Any]) -> Any:
    """The store of obstore for a URL; nothing is reached yet.

    Args:
        options: passed on to obstore.

    Raises:
        StateError: obstore is not installed, or does not understand the URL.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as error:
        raise StateError(f"{url}: it needs obstore: pip install 'dativo[stores]'") from error
    client: Any = {"timeout": timedelta(seconds=SECONDS), "connect_timeout": timedelta(seconds=SECONDS)}
    retry: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=2 * SECONDS)}
    try:
        return from_url(url, client_options=client | _plain_http(options), retry_config=retry, **options)
    except (BaseError, ValueError, TypeError) as error:
        raise StateError(f"{url}: {str(error).partition(chr(10))[0]}") from error


def _plain_http(options: dict[str, Any]) -> dict[str, bool]:
    """An endpoint given as http:// is meant so: stores of one's own network."""
    import os

    endpoint = str(
        options.get("endpoint")
        or os.environ.get("AWS_ENDPOINT_URL_S3")
        or os.environ.get("AWS_ENDPOINT_URL")
        or os.environ.get("AWS_ENDPOINT")
        or ""
    )
    return {"allow_http": True} if endpoint.startswith("http://") else {}
