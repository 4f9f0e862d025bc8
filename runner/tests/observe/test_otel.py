"""OpenTelemetry: what a collector receives, read with the protocol's own messages."""

from __future__ import annotations

import gzip
import socket

import pytest
from dativo.observe import otel
from dativo.observe.otel import OpenTelemetry
from dativo.observe.trace_context import TraceContext, trace_context
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

CONTEXT = TraceContext(0xABC, 0xDEF, 0x123)


def watch(told, url):
    told.observer.add(OpenTelemetry(told.tally, CONTEXT, url, {"x-key": "k"}, 3600.0))


def received(receiver, path, message):
    found = []
    for asked, headers, body in receiver.requests:
        if asked == path:
            data = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
            found.append(message.FromString(data))
    return found


def test_one_trace_of_the_run_with_its_attempts_streams_and_epochs(told, receiver):
    watch(told, receiver.url)
    told.whole_run("failed", "tap-x exited with code 1", 1)
    [request] = received(receiver, "/v1/traces", ExportTraceServiceRequest)
    spans = {span.name: span for scope in request.resource_spans[0].scope_spans for span in scope.spans}
    assert set(spans) == {"run", "attempt 1", "stream users", "epoch 1", "epoch 2"}
    run = spans["run"]
    assert (int.from_bytes(run.trace_id), int.from_bytes(run.span_id)) == (0xABC, 0xDEF)
    assert int.from_bytes(run.parent_span_id) == 0x123
    assert {span.trace_id for span in spans.values()} == {run.trace_id}
    assert spans["attempt 1"].parent_span_id == run.span_id
    for name in ("stream users", "epoch 1", "epoch 2"):
        assert spans[name].parent_span_id == spans["attempt 1"].span_id
    assert run.end_time_unix_nano - run.start_time_unix_nano == 3_000_000_000
    assert spans["epoch 2"].start_time_unix_nano == spans["epoch 1"].end_time_unix_nano
    assert (run.status.code, run.status.message) == (2, "tap-x exited with code 1")
    facts = {each.key: each.value.string_value for each in request.resource_spans[0].resource.attributes}
    assert facts["service.name"] == "dativo"
    assert (facts["dativo.job"], facts["dativo.tenant"]) == ("users", "acme")


def test_metrics_are_sent_at_the_end_at_the_latest(told, receiver):
    watch(told, receiver.url)
    told.whole_run()
    requests = received(receiver, "/v1/metrics", ExportMetricsServiceRequest)
    metrics = {
        metric.name: metric
        for scope in requests[-1].resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }
    assert set(metrics) == {
        "dativo.records",
        "dativo.bytes",
        "dativo.pipe.full.ratio",
        "dativo.process.memory",
        "dativo.run.seconds",
    }
    points = {
        next(each.value.string_value for each in point.attributes if each.key == "side"): point.as_int
        for point in metrics["dativo.records"].sum.data_points
    }
    assert points == {"tap": 10, "target": 10}
    assert metrics["dativo.records"].sum.is_monotonic
    assert all(headers["x-key"] == "k" for _, headers, _ in receiver.requests)
    assert told.warnings == []


def test_a_collector_that_does_not_take_it_is_one_warning(told, receiver, capfd):
    receiver.codes = [400] * 10
    watch(told, receiver.url)
    told.whole_run()
    assert told.warnings == [
        "OpenTelemetry has stopped watching: ConnectionError: the collector did not take the trace"
    ]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("given", "trace", "parent"),
    [
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            0x0AF7651916CD43DD8448EB211C80319C,
            0xB7AD6B7169203331,
        ),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", None, 0),
        ("not a context", None, 0),
        ("", None, 0),
    ],
)
def test_the_trace_that_the_run_was_started_in_goes_on(given, trace, parent):
    context = trace_context({"TRACEPARENT": given})
    assert context.parent == parent
    assert (context.trace == trace) is (trace is not None)
    version, trace_hex, span_hex, flags = context.traceparent.split("-")
    assert (version, flags) == ("00", "01")
    assert (int(trace_hex, 16), int(span_hex, 16)) == (context.trace, context.span)
    assert context.span not in (0, parent)


def test_nobody_there_is_one_warning_within_the_time_given(told, monkeypatch):
    monkeypatch.setattr(otel, "SECONDS", 0.3)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    watch(told, f"http://127.0.0.1:{port}")
    told.whole_run()
    assert len(told.warnings) == 1
