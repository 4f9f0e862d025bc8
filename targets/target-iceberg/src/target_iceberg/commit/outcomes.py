"""What an error of a catalog or a file store says about the commit it interrupts."""

from __future__ import annotations

import errno
import sqlite3
import sys
from enum import Enum
from typing import TYPE_CHECKING

from pyiceberg.exceptions import (
    CommitFailedException,
    CommitStateUnknownException,
    NoSuchNamespaceError,
    NoSuchTableError,
    RESTError,
    ServerError,
    ServiceUnavailableError,
    TooManyRequestsError,
    ValidationError,
    ValidationException,
)

from target_iceberg.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import ValidationError as UnfitError

_REFUSED_BY_SQLITE = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError)
_SQLITE_FOR_GOOD = ("SQLITE_READONLY", "SQLITE_FULL", "SQLITE_PERM", "SQLITE_AUTH")
_READ_ONLY_TRANSACTION = "25006"  # of PostgreSQL
_LIBRARY_ERRORS = (
    ("requests.exceptions", "RequestException"),
    ("sqlalchemy.exc", "SQLAlchemyError"),
    ("botocore.exceptions", "BotoCoreError"),
    ("botocore.exceptions", "ClientError"),
)
_REFUSED_BY_AWS = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "GlueEncryptionException",
    "InvalidInputException",
    "InvalidSignatureException",
    "ResourceNumberLimitExceededException",
    "UnrecognizedClientException",
}
_FOR_GOOD = {errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR}


class Outcome(Enum):
    """Of an attempt that ended with an error."""

    CONFLICT = "not committed: another writer was first"
    UNKNOWN = "committed or not: only the catalog can tell, when it answers again"
    REFUSED = "not committed, and trying again would not help"


def catalog_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Everything a catalog, its database, its HTTP client or its file store fails with, and these others.

    A library that was never imported has raised nothing, so none is imported for it.
    """
    from pydantic import ValidationError as UnfitError

    ours = (ConflictError, CommitFailedException, ValidationException, NoSuchTableError, NoSuchNamespaceError)
    unread = (ValidationError, UnfitError)
    return (*ours, *unread, *others, RESTError, OSError, sqlite3.Error, *_loaded(_LIBRARY_ERRORS))


def outcome_of(error: Exception) -> Outcome:
    """Judge one of `catalog_errors`; where in doubt, it is unknown."""
    from pydantic import ValidationError as UnfitError
    from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

    if isinstance(error, (ConflictError, CommitFailedException, ValidationException, FileNotFoundError)):
        return Outcome.CONFLICT  # a file that is missing was removed with the snapshot that named it
    if isinstance(
        error, (CommitStateUnknownException, ServerError, ServiceUnavailableError, TooManyRequestsError)
    ):
        return Outcome.UNKNOWN
    if isinstance(error, UnfitError):
        return _outcome_of_unfit(error)
    missing = (NoSuchTableError, NoSuchNamespaceError)
    refused = (RESTError, *missing, DataError, IntegrityError, ProgrammingError, *_REFUSED_BY_SQLITE)
    if isinstance(error, (*refused, ValidationError)) or _for_good(error):
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def reason_of(error: Exception) -> str:
    """One line about an error, without the statement and the links that SQLAlchemy adds."""
    original = getattr(error, "orig", None) or error
    text = str(original).strip()
    return text.splitlines()[0] if text else type(original).__name__


def _for_good(error: Exception) -> bool:
    cause = getattr(error, "orig", error)
    if getattr(cause, "sqlite_errorname", "").startswith(_SQLITE_FOR_GOOD):
        return True
    if getattr(cause, "pgcode", None) == _READ_ONLY_TRANSACTION:
        return True
    if _code_of_aws(error) in _REFUSED_BY_AWS:
        return True
    return isinstance(error, OSError) and (error.errno in _FOR_GOOD or "ACCESS_DENIED" in str(error))


def _code_of_aws(error: Exception) -> str | None:
    """What AWS calls the error; an HTTP error of `requests` has a response too, which is no mapping."""
    response = getattr(error, "response", None)
    return response.get("Error", {}).get("Code") if isinstance(response, dict) else None


def _outcome_of_unfit(error: UnfitError) -> Outcome:
    """Judge a document that is not what it should be.

    The answer of a REST catalog may have been spoilt on its way, and it says nothing of what was done before
    it was given. Anything else is as wrong the next time: a metadata file, or a request of our own, which has
    not been sent then.
    """
    return Outcome.UNKNOWN if error.title.endswith("Response") else Outcome.REFUSED


def integrity_errors() -> tuple[type[Exception], ...]:
    """What a database says where a row is there already."""
    return _loaded([("sqlalchemy.exc", "IntegrityError")])


def _loaded(errors: Iterable[tuple[str, str]]) -> tuple[type[Exception], ...]:
    loaded = ((sys.modules.get(module), name) for module, name in errors)
    return tuple(getattr(module, name) for module, name in loaded if module is not None)
