"""Posting JSON to someone who wants to know, within seconds, and without showing secrets of the address."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRIES = 3
_SERVER_ERROR = 500


class NotDelivered(Exception):  # noqa: N818  (says what happened)
    """Nobody took the message; names the host only, as the rest of an address may be a secret."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A message goes to the address that was given, or nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


def post_json(url: str, document: Any, headers: Mapping[str, str], seconds: float) -> None:
    """Posts it, up to three times after failures that may pass.

    Raises:
        NotDelivered: nobody took it.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotDelivered("an address must begin with http:// or https://")
    request = urllib.request.Request(  # noqa: S310  (the scheme has been looked at)
        url,
        json.dumps(document, ensure_ascii=False).encode(),
        {"Content-Type": "application/json", "User-Agent": "dativo", **headers},
        method="POST",
    )
    opener = urllib.request.build_opener(_NoRedirect)
    reason = ""
    for _ in range(TRIES):
        try:
            opener.open(request, timeout=seconds).close()
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"HTTP {error.code}"
            if error.code < _SERVER_ERROR:
                break
        except OSError as error:
            reason = str(getattr(error, "reason", error))
        except (ValueError, http.client.HTTPException) as error:
            # Their texts quote what they are about: the path, a header, what came as an answer.
            reason = type(error).__name__
        else:
            return
    raise NotDelivered(f"{parts.hostname} did not take it: {reason}")


class Courier:
    """Delivers in a thread of its own, in order, so that a slow receiver does not hold up the run."""

    def __init__(self, deliver: Callable[[Any], None]) -> None:
        self._deliver = deliver
        self._waiting: queue.Queue[Any] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def send(self, document: Any) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._waiting.put(document)

    def finish(self, seconds: float) -> None:
        """Waits for what is on its way; raises NotDelivered for the first message that nobody took."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(seconds)
            if self._thread.is_alive():
                raise NotDelivered(f"not all was taken within {seconds:g} s")
        if self._failure is not None:
            raise NotDelivered(self._failure)

    def _work(self) -> None:
        while (document := self._waiting.get()) is not None:
            try:
                self._deliver(document)
            except (NotDelivered, OSError) as error:
                self._failure = self._failure or str(error)
