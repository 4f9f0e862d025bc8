"""Metrics for Prometheus: a text file that its node exporter collects, and an address to be asked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dativo.observe.events import RunEvent, Ticked
from dativo.observe.write import write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client.core import Metric
    from prometheus_client.registry import CollectorRegistry

    from dativo.observe.tally import Tally

MOST_STREAMS = 500
"""Streams of a job with series of their own; the rest is summed up as `other`."""

_READABLE = 0o644
_LAST_SUCCESS = "dativo_run_last_success_timestamp_seconds"


class RunCollector:
    """The metrics of one run as it stands; `prometheus_client` asks it, from a thread: hence the copies."""

    def __init__(self, tally: Tally, last_success: float | None = None) -> None:
        self._tally = tally
        self._last_success = last_success

    def collect(self) -> Iterator[Metric]:
        started = self._tally.started
        if started is None:
            return
        labels = {"tenant": started.tenant or "", "job": started.job}
        yield from self._moved(labels)
        yield from self._run(labels)
        yield from self._resources(labels)

    def _moved(self, labels: dict[str, str]) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        names = [*labels, "stream", "side"]
        records = CounterMetricFamily(
            "dativo_records", "Records of a stream, by who counted them.", None, names
        )
        size = CounterMetricFamily("dativo_bytes", "Bytes of a stream in the pipe.", None, names)
        for stream, read, loaded, moved in self._streams():
            for side, count in (("tap", read), ("target", loaded)):
                records.add_metric([*labels.values(), stream, side], count)
            size.add_metric([*labels.values(), stream, "tap"], moved)
        yield records
        yield size

    def _streams(self) -> Iterator[tuple[str, int, int, int]]:
        streams = [
            (name, each.read, each.loaded, each.size)
            for name, each in list(self._tally.counters.streams.items())
        ]
        yield from streams[:MOST_STREAMS]
        if rest := streams[MOST_STREAMS:]:
            yield (
                "other",
                sum(each[1] for each in rest),
                sum(each[2] for each in rest),
                sum(each[3] for each in rest),
            )

    def _run(self, labels: dict[str, str]) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily

        tally, ended = self._tally, self._tally.ended
        values = list(labels.values())
        attempts = CounterMetricFamily("dativo_attempts", "Attempts of the run.", None, list(labels))
        attempts.add_metric(values, len(tally.attempts))
        yield attempts
        if tally.epochs:
            at = tally.wall(tally.epochs[-1]).timestamp()
            yield _gauge("dativo_state_stored_timestamp_seconds", "When a state was last stored.", labels, at)
        success = self._last_success
        if ended is not None:
            yield _gauge("dativo_run_seconds", "How long the run took.", labels, ended.at)
            outcome = labels | {"outcome": ended.verdict}
            yield _gauge("dativo_run_outcome", "1 for how the run ended.", outcome, 1)
            breaches = CounterMetricFamily(
                "dativo_limit_breaches", "Limits that stopped the run.", None, [*labels, "limit"]
            )
            if ended.limit:
                breaches.add_metric([*values, ended.limit], 1)
            yield breaches
            if ended.verdict == "succeeded":
                success = tally.wall(ended.at).timestamp()
        if success is not None:
            yield _gauge(_LAST_SUCCESS, "When a run of the job last succeeded.", labels, success)

    def _resources(self, labels: dict[str, str]) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        values = list(labels.values())
        full = GaugeMetricFamily(
            "dativo_pipe_full_ratio", "Share of the time a pipe was full.", None, [*labels, "pipe"]
        )
        for pipe in list(self._tally.bottleneck.pipes.values()):
            full.add_metric([*values, f"{pipe.writer}>{pipe.reader}"], pipe.full_share)
        yield full
        memory = GaugeMetricFamily(
            "dativo_process_memory_bytes", "Memory of a connector, at most so far.", None, [*labels, "side"]
        )
        for side, facts in list(self._tally.sides.items()):
            memory.add_metric([*values, side], facts.peak_memory)
        yield memory


class Textfile:
    """Writes `dativo_[TENANT+]JOB.prom` at the end of the run, in one step; `+` stands in no name."""

    def __init__(self, tally: Tally, directory: Path) -> None:
        self._tally = tally
        self._directory = directory

    def take(self, event: RunEvent) -> None:
        pass

    def close(self) -> None:
        from prometheus_client import generate_latest

        started = self._tally.started
        if started is None:
            return
        tenant = f"{started.tenant}+" if started.tenant else ""
        path = self._directory / f"dativo_{tenant}{started.job}.prom"
        registry = _registry(RunCollector(self._tally, _last_success(path)))
        write_private(path, generate_latest(registry).decode(), mode=_READABLE)


class Endpoint:
    """Serves the metrics of this process at an address, from the first tick on to the end of the run."""

    def __init__(self, tally: Tally, address: str) -> None:
        self._tally = tally
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]") or "127.0.0.1", int(port)
        self._stop: list[object] = []

    def take(self, event: RunEvent) -> None:
        if isinstance(event, Ticked) and not self._stop:
            from prometheus_client import start_http_server

            registry = _registry(RunCollector(self._tally))
            self._stop = list(start_http_server(self._port, self._host, registry))

    def close(self) -> None:
        if self._stop:
            server, thread = self._stop
            server.shutdown()  # type: ignore[attr-defined]
            server.server_close()  # type: ignore[attr-defined]
            thread.join(1.0)  # type: ignore[attr-defined]


def _registry(collector: RunCollector) -> CollectorRegistry:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    registry.register(collector)
    return registry


def _gauge(name: str, text: str, labels: dict[str, str], value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    gauge = GaugeMetricFamily(name, text, None, list(labels))
    gauge.add_metric(list(labels.values()), value)
    return gauge


def _last_success(path: Path) -> float | None:
    """What the file says of an earlier run: a run that fails must not make it forgotten."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(rf"^{_LAST_SUCCESS}\{{.*\}} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None
