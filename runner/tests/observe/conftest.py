"""A run that is told to its watchers by the clock of the test, and a receiver of what they send."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from dativo.observe.events import Side
from dativo.observe.log_lines import LogLine, Metric
from dativo.observe.observer import Observer
from dativo.observe.tally import Tally

BEGAN = 1_795_478_400.0  # 2026-11-24T00:00:00Z
RUN = "20261124T000000Z-1f2e3d"


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Told:
    """An observer, its clock and its tally."""

    def __init__(self):
        self.clock = Clock()
        self.tally = Tally()
        self.warnings = []
        self.observer = Observer([self.tally], self.warnings.append, clock=self.clock, wall=lambda: BEGAN)

    def start(self, tenant="acme", job="users"):
        sides = [Side("tap", "tap-x", "1.2", "lock:ab"), Side("target", "target-y", "3")]
        self.observer.started(RUN, job, tenant, sides, secrets=["pg"], enforcement={"memory": "watch"})

    def count(self, side, stream, records, size=0):
        for name, value in (("record_count", records), ("record_bytes", size)):
            self.observer.counted(side, Metric("counter", name, value, {"stream": stream}))

    def later(self, seconds):
        self.clock.now += seconds

    def fill(self, share):
        self.observer.piped([Fill("tap-x", "target-y", share)])

    def whole_run(self, verdict="succeeded", reason=None, code=0, **more):
        """Three seconds, two states, one attempt, one warning."""
        self.start()
        self.observer.discovered(
            {
                "users": {
                    "properties": {
                        "id": {"type": "integer"},
                        "at": {"type": ["null", "string"], "format": "date-time"},
                    }
                }
            },
            {"users": 40},
        )
        self.later(1)
        self.count("tap-x", "users", 10, 2_000_000)
        self.fill(0.9)
        self.observer.used("tap-x", memory=5_000_000, cpu=0.5)
        self.observer.used("tap-x", memory=3_000_000, cpu=0.7, sent=3_000_000)
        self.observer.stored('{"bookmarks": {"users": {"at": "2026-11-23T23:58:00Z"}}}', 7)
        self.observer.logged("tap-x", LogLine("ERROR", "it hurts", None, ("  at a.py:1 in f",)))
        self.observer.said("mind the gap", "WARNING")
        self.later(1)
        self.count("target-y", "users", 10)
        self.fill(0.0)
        self.observer.stored("{}", 8)
        self.observer.ticked()
        self.later(1)
        self.observer.exited("tap-x", 0)
        self.observer.exited("target-y", code)
        self.observer.attempted(1, 0.0, verdict, reason, states=2)
        self.observer.ended(verdict, reason, code, state=".dativo/state.json", **more)


class Fill:
    def __init__(self, writer, reader, share):
        self.writer, self.reader, self.share = writer, reader, share


@pytest.fixture
def told():
    return Told()


class Receiver:
    """An HTTP server that keeps what is posted, and answers with the codes it is given (200 after them)."""

    def __init__(self):
        self.requests = []
        self.codes = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append((self.path, dict(self.headers), body))
                code = receiver.codes.pop(0) if receiver.codes else 200
                self.send_response(code)
                if code == 307:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def documents(self):
        return [json.loads(body) for _, _, body in self.requests]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()
