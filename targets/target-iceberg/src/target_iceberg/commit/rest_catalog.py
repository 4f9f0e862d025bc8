"""Commits to a REST catalog: all tables of an epoch in one request where the catalog takes that."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pyiceberg.catalog.rest import DEFAULT_ENDPOINTS, VIEW_ENDPOINTS, Endpoint, HttpMethod
from pyiceberg.catalog.rest.response import _handle_non_200_response
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException, NoSuchTableError
from pyiceberg.table import CommitTableRequest, Namespace, TableIdentifier

from target_iceberg.commit.table_by_table import TableByTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog.rest import RestCatalog
    from requests import Response

    from target_iceberg.commit.backends import Landed
    from target_iceberg.commit.staging import StagedCommit

logger = logging.getLogger(__name__)
_PATH = "transactions/commit"
_ENDPOINT = Endpoint(http_method=HttpMethod.POST, path=f"/v1/{{prefix}}/{_PATH}")
_NO_SUCH_ENDPOINT = {404, 405, 406, 501}


class RestTransaction:
    """Takes commits of several tables as one transaction, or one table after the other without such."""

    repeats_requests = False

    def __init__(self, catalog: RestCatalog) -> None:
        self._catalog = catalog

    def commit(self, staged: Sequence[StagedCommit], landed: Landed) -> None:
        """See `backends.Backend`; all tables change or none, if the catalog takes transactions."""
        if len(staged) > 1 and self._may_take_transactions() and self._commit_together(staged):
            for each in staged:
                landed(each)
        else:
            TableByTable(self._catalog).commit(staged, landed)

    def _may_take_transactions(self) -> bool:
        """Whether it says so, or says nothing: a server of the old kind does not list what it has."""
        endpoints = self._catalog._supported_endpoints  # noqa: SLF001
        return _ENDPOINT in endpoints or endpoints - VIEW_ENDPOINTS == DEFAULT_ENDPOINTS

    def _commit_together(self, staged: Sequence[StagedCommit]) -> bool:
        """False if the catalog has no transactions after all."""
        from requests import HTTPError

        changes = ",".join(_request(each) for each in staged)
        response = self._catalog._session.post(  # noqa: SLF001
            self._catalog.url(_PATH), data=f'{{"table-changes":[{changes}]}}'.encode()
        )
        if response.status_code in _NO_SUCH_ENDPOINT and _error_type(response) != NoSuchTableError.__name__:
            logger.info("the catalog has no transactions of several tables: they are committed one by one")
            return False
        try:
            response.raise_for_status()
        except HTTPError as error:
            unknown = dict.fromkeys((500, 502, 503, 504), CommitStateUnknownException)
            _handle_non_200_response(error, {409: CommitFailedException, **unknown})
        return True


def _request(commit: StagedCommit) -> str:
    *namespace, name = commit.table.name()
    return CommitTableRequest(
        identifier=TableIdentifier(namespace=Namespace(namespace), name=name),
        requirements=commit.requirements,
        updates=commit.updates,
    ).model_dump_json()


def _error_type(response: Response) -> Any:
    try:
        return response.json()["error"]["type"].replace("Exception", "Error")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
