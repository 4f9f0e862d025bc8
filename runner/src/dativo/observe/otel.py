"""OpenTelemetry over OTLP/HTTP: metrics while the run goes on, one trace of it at its end.

run → attempt N → stream NAME
                → epoch N       from one stored state to the next
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from dativo.observe.events import RunEvent, Ticked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.metrics import CallbackOptions, Meter, Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Tracer

    from dativo.observe.events import Attempted
    from dativo.observe.tally import Tally
    from dativo.observe.trace_context import TraceContext

SECONDS = 5.0
MOST_EPOCHS = 1000
"""Epochs of a run with spans of their own, the last ones."""


class OpenTelemetry:
    """Sends metrics from the first tick on (the connectors have been started by then), and the trace last."""

    def __init__(
        self, tally: Tally, context: TraceContext, endpoint: str, headers: Mapping[str, str], every: float
    ) -> None:
        self._tally = tally
        self._context = context
        self._endpoint = endpoint.rstrip("/")
        self._headers = dict(headers)
        self._every = every
        self._metrics: MeterProvider | None = None

    def take(self, event: RunEvent) -> None:
        if isinstance(event, Ticked) and self._metrics is None:
            self._metrics = self._start_metrics()

    def close(self) -> None:
        """Raises ConnectionError if nobody took the trace."""
        if self._metrics is None:
            self._metrics = self._start_metrics()
        try:
            self._send_trace()
        finally:
            self._metrics.shutdown(timeout_millis=SECONDS * 1000)

    def _start_metrics(self) -> MeterProvider:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

        # What cannot be sent is told once, by the observer; the library would fill stderr with it.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
        exporter = OTLPMetricExporter(f"{self._endpoint}/v1/metrics", headers=self._headers, timeout=SECONDS)
        reader = PeriodicExportingMetricReader(
            exporter, export_interval_millis=self._every * 1000, export_timeout_millis=SECONDS * 1000
        )
        provider = MeterProvider([reader], self._resource(), shutdown_on_exit=False)
        _instruments(provider.get_meter("dativo"), self._tally)
        return provider

    def _resource(self) -> Resource:
        from opentelemetry.sdk.resources import Resource

        started = self._tally.started
        assert started is not None
        facts = {"service.name": "dativo", "dativo.job": started.job, "dativo.run": started.run}
        return Resource.create(facts | ({"dativo.tenant": started.tenant} if started.tenant else {}))

    def _send_trace(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult

        spans = run_spans(self._tally, self._context, self._resource())
        exporter = OTLPSpanExporter(f"{self._endpoint}/v1/traces", headers=self._headers, timeout=SECONDS)
        try:
            if exporter.export(spans) is not SpanExportResult.SUCCESS:
                raise ConnectionError("the collector did not take the trace")
        finally:
            exporter.shutdown()  # type: ignore[no-untyped-call]


def run_spans(tally: Tally, context: TraceContext, resource: Resource) -> list[ReadableSpan]:
    """The trace of a run that has ended."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    spans: list[ReadableSpan] = []

    class Keep(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            spans.append(span)

    class FirstGiven(RandomIdGenerator):
        """The first span has the id that connectors were told; it is made before any other."""

        given = context.span

        def generate_span_id(self) -> int:
            given, self.given = self.given, 0
            return given or super().generate_span_id()

        def generate_trace_id(self) -> int:
            return context.trace

    provider = TracerProvider(resource=resource, id_generator=FirstGiven(), shutdown_on_exit=False)
    provider.add_span_processor(Keep())
    parent = None
    if context.parent:
        flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
        caller = trace.SpanContext(context.trace, context.parent, is_remote=True, trace_flags=flags)
        parent = trace.set_span_in_context(trace.NonRecordingSpan(caller))
    _Spans(tally, provider.get_tracer("dativo")).run(parent)
    return spans


class _Spans:
    """Makes spans of what is over, with the times it took."""

    def __init__(self, tally: Tally, tracer: Tracer) -> None:
        self._tally = tally
        self._tracer = tracer

    def run(self, parent: Any) -> None:
        tally = self._tally
        assert tally.ended is not None
        assert tally.started is not None
        facts = {"dativo.outcome": tally.ended.verdict, "dativo.job": tally.started.full_name}
        span, inside = self._begin("run", 0.0, parent, facts)
        for attempt in tally.attempts:
            self._attempt(attempt, inside)
        self._end(span, tally.ended.at, tally.ended.reason)

    def _attempt(self, attempt: Attempted, parent: Any) -> None:
        span, inside = self._begin(f"attempt {attempt.number}", attempt.began, parent, {})
        for name, count in self._tally.counters.streams.items():
            if attempt.began <= count.latest <= attempt.at:
                facts = {"dativo.stream": name, "dativo.read": count.read, "dativo.loaded": count.loaded}
                stream, _ = self._begin(f"stream {name}", max(count.began, attempt.began), inside, facts)
                self._end(stream, count.latest, None)
        self._epochs(attempt, inside)
        self._end(span, attempt.at, attempt.reason)

    def _epochs(self, attempt: Attempted, parent: Any) -> None:
        stored = [at for at in self._tally.epochs if attempt.began <= at <= attempt.at]
        begins = [attempt.began, *stored[:-1]]
        numbered = list(enumerate(zip(begins, stored, strict=True), 1))
        for number, (begin, end) in numbered[-MOST_EPOCHS:]:
            span, _ = self._begin(f"epoch {number}", begin, parent, {})
            self._end(span, end, None)

    def _begin(self, name: str, at: float, parent: Any, facts: Mapping[str, Any]) -> tuple[Any, Any]:
        from opentelemetry import trace

        span = self._tracer.start_span(name, parent, attributes=dict(facts), start_time=self._time(at))
        return span, trace.set_span_in_context(span)

    def _end(self, span: Any, at: float, reason: str | None) -> None:
        from opentelemetry.trace import Status, StatusCode

        if reason is not None:
            span.set_status(Status(StatusCode.ERROR, reason))
        span.end(self._time(at))

    def _time(self, at: float) -> int:
        return int(self._tally.wall(at).timestamp() * 1e9)


def _instruments(meter: Meter, tally: Tally) -> None:
    """The metrics of Prometheus, with dots."""
    observe = _Observed(tally)
    meter.create_observable_counter("dativo.records", [observe.records], "{record}")
    meter.create_observable_counter("dativo.bytes", [observe.size], "By")
    meter.create_observable_gauge("dativo.pipe.full.ratio", [observe.full], "1")
    meter.create_observable_gauge("dativo.process.memory", [observe.memory], "By")
    meter.create_observable_gauge("dativo.run.seconds", [observe.seconds], "s")


class _Observed:
    """Reads the tally for the library, which asks from a thread of its own: hence the copies."""

    def __init__(self, tally: Tally) -> None:
        started = tally.started
        assert started is not None
        self._tally = tally
        self._own = {"tenant": started.tenant or "", "job": started.job}

    def records(self, _: CallbackOptions) -> Iterator[Observation]:
        for name, count in list(self._tally.counters.streams.items()):
            yield self._observation(count.read, stream=name, side="tap")
            yield self._observation(count.loaded, stream=name, side="target")

    def size(self, _: CallbackOptions) -> Iterator[Observation]:
        for name, count in list(self._tally.counters.streams.items()):
            yield self._observation(count.size, stream=name, side="tap")

    def full(self, _: CallbackOptions) -> Iterator[Observation]:
        for pipe in list(self._tally.bottleneck.pipes.values()):
            yield self._observation(pipe.full_share, pipe=f"{pipe.writer}>{pipe.reader}")

    def memory(self, _: CallbackOptions) -> Iterator[Observation]:
        for side, facts in list(self._tally.sides.items()):
            yield self._observation(facts.peak_memory, side=side)

    def seconds(self, _: CallbackOptions) -> Iterator[Observation]:
        if self._tally.ended is not None:
            yield self._observation(self._tally.ended.at, outcome=self._tally.ended.verdict)

    def _observation(self, value: float, **labels: str) -> Observation:
        from opentelemetry.metrics import Observation

        return Observation(value, self._own | labels)
