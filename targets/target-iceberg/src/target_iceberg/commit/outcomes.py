"""What an error of a catalog or a file store says about the commit it interrupts."""

from __future__ import annotations

import errno
from enum import Enum
from functools import cache

from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchNamespaceError,
    NoSuchTableError,
    RESTError,
    ServerError,
    ServiceUnavailableError,
    TooManyRequestsError,
    ValidationException,
)

from target_iceberg.errors import ConflictError

_SQLITE_FOR_GOOD = ("SQLITE_READONLY", "SQLITE_FULL", "SQLITE_PERM", "SQLITE_AUTH")
_READ_ONLY_TRANSACTION = "25006"  # of PostgreSQL
_FOR_GOOD = {errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR}


class Outcome(Enum):
    """Of an attempt that ended with an error."""

    CONFLICT = "not committed: another writer was first"
    UNKNOWN = "committed or not: only the catalog can tell, when it answers again"
    REFUSED = "not committed, and trying again would not help"


@cache
def catalog_errors() -> tuple[type[Exception], ...]:
    """Everything a catalog, its database, its HTTP client or its file store fails with."""
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    ours = (ConflictError, CommitFailedException, ValidationException, NoSuchTableError, NoSuchNamespaceError)
    return (*ours, RESTError, RequestException, SQLAlchemyError, OSError, *_of_aws())


def outcome_of(error: Exception) -> Outcome:
    """Judge one of `catalog_errors`; where in doubt, it is unknown."""
    from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

    if isinstance(error, (ConflictError, CommitFailedException, ValidationException, FileNotFoundError)):
        return Outcome.CONFLICT  # a file that is missing was removed with the snapshot that named it
    if isinstance(
        error, (CommitStateUnknownException, ServerError, ServiceUnavailableError, TooManyRequestsError)
    ):
        return Outcome.UNKNOWN
    refused = (RESTError, NoSuchTableError, NoSuchNamespaceError, DataError, IntegrityError, ProgrammingError)
    if isinstance(error, refused) or _for_good(error):
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def reason_of(error: Exception) -> str:
    """One line about an error, without the statement and the links that SQLAlchemy adds."""
    original = getattr(error, "orig", None) or error
    text = str(original).strip()
    return text.splitlines()[0] if text else type(original).__name__


def _for_good(error: Exception) -> bool:
    cause = getattr(error, "orig", None)
    if getattr(cause, "sqlite_errorname", "").startswith(_SQLITE_FOR_GOOD):
        return True
    if getattr(cause, "pgcode", None) == _READ_ONLY_TRANSACTION:
        return True
    return isinstance(error, OSError) and (error.errno in _FOR_GOOD or "ACCESS_DENIED" in str(error))


def _of_aws() -> tuple[type[Exception], ...]:
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return ()
    return (BotoCoreError, ClientError)
