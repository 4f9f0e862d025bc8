"""From a URL to a bucket: what the cloud's own tools take from the environment holds here too."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from dativo.errors import StateError

SECONDS = 10
ENDPOINTS = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "STORAGE_EMULATOR_HOST",
)
"""Variables that name another endpoint; one given as http:// is meant so: stores of one's own network."""


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
    environ = os.environ
    client: Any = {"timeout": timedelta(seconds=SECONDS), "connect_timeout": timedelta(seconds=SECONDS)}
    retry: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=2 * SECONDS)}
    if any(environ.get(name, "").startswith("http://") for name in ENDPOINTS):
        client["allow_http"] = True
    if url.startswith("gs:") and (emulator := environ.get("STORAGE_EMULATOR_HOST")):
        options = {"config": {"service_account_key": _nobody(emulator)}} | options
    try:
        return from_url(url, client_options=client, retry_config=retry, **options)
    except (BaseError, ValueError, TypeError) as error:
        raise StateError(f"{url}: {str(error).partition(chr(10))[0]}") from error


def _nobody(endpoint: str) -> str:
    """The key of an account that an emulator of Google's store does not ask for."""
    account = {"gcs_base_url": endpoint, "disable_oauth": True}
    return json.dumps(account | dict.fromkeys(("client_email", "private_key", "private_key_id"), ""))
