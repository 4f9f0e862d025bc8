"""A proxy on a real socket in front of an S3 store, which breaks the requests a test tells it to break."""

import http.client
import random
import re
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

Action = Literal["500", "503", "reset", "hang", "lost", "cut", "spoilt"]
"""What happens to a request: refused with that status; its connection reset in the middle of the body; never
answered; carried out, but the answer lost; carried out, but the answer cut in the middle, or lost if it has
no body; carried out, but the answer is `{}`."""

ANYTHING: tuple[Action, ...] = ("500", "503", "reset", "lost", "cut")
_SLOW_DOWN = b"<Error><Code>%s</Code><Message>not now</Message></Error>"
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass
class Fault:
    """Break the next requests of a method whose path, query and operation match a pattern.

    Services of AWS that have one path for all that they do name the operation in a header.
    """

    method: str
    pattern: str
    action: Action
    times: int


@dataclass
class FaultyProxy:
    """Forwards to `upstream`, a URL; start and stop it with `with`.

    Attributes:
        upstream: where to.
        chance: that a request is broken in any of the quick ways, besides those that `inject` has chosen.
        seen: every request so far, and what was done to it.
    """

    upstream: str
    chance: float = 0.0
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def inject(self, method: str, pattern: str, action: Action, times: int = 1) -> None:
        with self._lock:
            self._faults.append(Fault(method, pattern, action, times))

    def broken(self) -> list[str]:
        """What was done to requests so far, in order."""
        return [action for _, _, action in self.seen if action]

    def choose(self, method: str, path: str) -> str:
        """Decide about a request; "" lets it through."""
        with self._lock:
            for fault in self._faults:
                if fault.times and fault.method == method and re.search(fault.pattern, path):
                    fault.times -= 1
                    self.seen.append((method, path, fault.action))
                    return fault.action
            action = random.choice(ANYTHING) if random.random() < self.chance else ""
            self.seen.append((method, path, action))
            return action

    def hang(self) -> None:
        self._released.wait(60)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the base class
        """Say nothing: tests look at `seen`."""

    def _handle(self) -> None:
        action = self.proxy.choose(self.command, self.path + self.headers.get("X-Amz-Target", ""))
        length = int(self.headers.get("Content-Length", 0))
        if action == "reset":
            self.rfile.read(length // 2)
            self._reset()
            return
        body = self.rfile.read(length)
        if action == "hang":
            self.proxy.hang()
            self._reset()
        elif action in ("500", "503"):
            self._answer(int(action), [], _SLOW_DOWN % (b"InternalError" if action == "500" else b"SlowDown"))
        else:
            self._forward(action, body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 -- names in the base class

    def _forward(self, action: str, body: bytes) -> None:
        address = urlsplit(self.proxy.upstream)
        upstream = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if action == "lost" or (action == "cut" and not content):
            self._reset()
            return
        if action == "spoilt":
            self._answer(200, [("Content-Type", "application/json")], b"{}")
            return
        self._answer(answer.status, answer.getheaders(), content, cut=action == "cut")

    def _answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(content)))
        self.end_headers()
        if cut:
            self.wfile.write(content[: len(content) // 2])
            self._reset()
        else:
            self.wfile.write(content)

    def _reset(self) -> None:
        """Close so that the other side gets ECONNRESET, not a polite end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.connection.close()
