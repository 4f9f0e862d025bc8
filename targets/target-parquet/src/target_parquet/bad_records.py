"""What becomes of records that do not fit, and how many of them a run may have."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_parquet.errors import TooManyInvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo_protocol.events import InvalidEvent, StreamPlan
    from dativo_protocol.tally import Tally

    from target_parquet.quarantine import Quarantine
    from target_parquet.shared_settings import SharedSettings

logger = logging.getLogger(__name__)

_SCHEMA = re.compile(rb'"type"\s*:\s*"schema"', re.IGNORECASE)
_MOST_WARNINGS = 100
_NAMED_IN_FAILURE = 3
_OUTCOMES = {"quarantine": "quarantined", "skip": "skipped"}


@dataclass(slots=True)
class Budget:
    """How many records of a run may be bad, and those it has had.

    Attributes:
        most: of them, None for no such limit.
        ratio: greatest share of all records read so far, None for no such limit.
        count: of them so far.
    """

    most: int | None
    ratio: float | None
    count: int = 0
    _first: list[str] = field(default_factory=list)

    def spend(self, event: InvalidEvent) -> None:
        """Count one.

        Raises:
            TooManyInvalidError: it is one too many.
        """
        self.count += 1
        if len(self._first) < _NAMED_IN_FAILURE:
            self._first.append(str(event.error()))
        if self.most is not None and self.count > self.most:
            raise self._exceeded(f"{_records(self.count)} invalid, max_invalid allows {self.most:,}")

    def check(self, good: int) -> None:
        """Hold the share of bad records against the greatest allowed, `good` ones having been read so far.

        Raises:
            TooManyInvalidError: it is greater.
        """
        read = good + self.count
        if self.ratio is not None and self.count > self.ratio * read:
            share = f"{_records(self.count)} invalid among {read:,} read, that is {self.count / read:.3%}"
            raise self._exceeded(f"{share}; max_invalid_ratio allows {self.ratio:.3%}")

    def _exceeded(self, counts: str) -> TooManyInvalidError:
        first = "; ".join(self._first)
        return TooManyInvalidError(f"{counts}; nothing since the last STATE is published. First: {first}")


class BadRecords:
    """Carries out `on_invalid` for one run.

    Args:
        settings: of the user.
        quarantine: takes them if they are to be kept.
        tally: counts them.
    """

    def __init__(self, settings: SharedSettings, quarantine: Quarantine, tally: Tally) -> None:
        self._policy = settings.on_invalid
        self._quarantine = quarantine
        self._tally = tally
        self._told: set[tuple[str, str]] = set()
        self.budget = Budget(settings.max_invalid, settings.max_invalid_ratio)

    def take(self, event: InvalidEvent, plans: Mapping[str, StreamPlan]) -> None:
        """Deal with one.

        Raises:
            ProtocolError, InvalidRecordError: the policy is to fail, there are too many of them, or it was a
                SCHEMA: what follows could be taken for what it is not.
            StoreError: it cannot be kept.
        """
        if self._policy == "fail" or _was_schema(event):
            raise event.error()
        self.budget.spend(event)
        self._tell(event)
        if self._policy == "quarantine":
            self._quarantine.take(event, plans)
            self._tally.quarantined += 1
        else:
            self._tally.skipped += 1

    def _tell(self, event: InvalidEvent) -> None:
        """Warn of the first of each kind; kinds beyond a hundred are counted only."""
        kind = (event.stream, event.reason)
        if kind in self._told or len(self._told) > _MOST_WARNINGS:
            return
        self._told.add(kind)
        if len(self._told) > _MOST_WARNINGS:
            logger.warning("invalid records of further kinds are counted, but not named here")
            return
        outcome = _OUTCOMES[self._policy]
        logger.warning("%s; the record is %s, as all more of this kind are", event.error(), outcome)


def _was_schema(event: InvalidEvent) -> bool:
    """Whether a line that cannot be read was, or may have been, a SCHEMA."""
    if event.path or not _SCHEMA.search(event.raw):
        return False
    try:
        message = json.loads(event.raw)
    except (ValueError, RecursionError):
        return True
    return isinstance(message, dict) and str(message.get("type")).upper() == "SCHEMA"


def _records(count: int) -> str:
    return f"{count:,} record is" if count == 1 else f"{count:,} records are"
