"""Telling people how a run ended, by webhook (R22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dativo.observe.http import NotDelivered, post_json
from dativo.observe.run_report import report, summary_lines
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dativo.observe.events import RunEvent
    from dativo.observe.tally import Tally


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom to tell and when, secrets in their places."""

    url: str
    on: tuple[str, ...]
    headers: Mapping[str, str]
    format: str
    seconds: float


class Notifications:
    """Posts the report when the run is over.

    Args:
        before: outcome of the run before this one, None if there was none.
        warn: is told of a webhook that did not take it.
    """

    def __init__(
        self,
        tally: Tally,
        webhooks: Sequence[Webhook],
        before: Callable[[], str | None],
        warn: Callable[[str], None],
    ) -> None:
        self._tally = tally
        self._webhooks = webhooks
        self._before = before
        self._warn = warn

    def take(self, event: RunEvent) -> None:
        pass

    def close(self) -> None:
        document = report(self._tally)
        happened = occasions(document, self._before())
        for webhook in self._webhooks:
            if happened.isdisjoint(webhook.on):
                continue
            try:
                body = document if webhook.format == "json" else slack_message(document)
                post_json(webhook.url, body, webhook.headers, webhook.seconds)
            except NotDelivered as error:
                self._warn(f"a notification was not delivered: {error}")


def occasions(document: Mapping[str, Any], before: str | None) -> set[str]:
    """What a run was, in the words of `notifications.on`."""
    if document["outcome"] == "succeeded":
        recovered = before not in (None, "succeeded", "running")
        return {"success", "recovered"} if recovered else {"success"}
    return {"failure", "limit"} if document["limit"] else {"failure"}


def slack_message(document: dict[str, Any]) -> dict[str, str]:
    """The summary as Slack, and what follows its form, takes it."""
    head, *rest = summary_lines(document)
    mark = ":white_check_mark:" if document["outcome"] == "succeeded" else ":x:"
    text = "\n".join(rest)
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        head, text = head.replace(plain, escaped), text.replace(plain, escaped)
    return {"text": f"{mark} *{head}*\n```{text}```"}
