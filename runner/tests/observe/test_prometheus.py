"""Metrics for Prometheus, read with its own parser."""

from __future__ import annotations

import socket
import urllib.request

from dativo.observe.prometheus import MOST_STREAMS, Endpoint, Textfile
from prometheus_client.parser import text_string_to_metric_families


def samples(text):
    return {
        (
            sample.name,
            tuple(
                sorted((key, value) for key, value in sample.labels.items() if key not in {"job", "tenant"})
            ),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_textfile_holds_what_the_run_was(told, tmp_path):
    told.observer.add(Textfile(told.tally, tmp_path))
    told.whole_run()
    path = tmp_path / "dativo_acme+users.prom"
    found = samples(path.read_text())
    assert found[("dativo_records_total", (("side", "tap"), ("stream", "users")))] == 10
    assert found[("dativo_records_total", (("side", "target"), ("stream", "users")))] == 10
    assert found[("dativo_bytes_total", (("side", "tap"), ("stream", "users")))] == 2_000_000
    assert found[("dativo_run_seconds", ())] == 3
    assert found[("dativo_run_outcome", (("outcome", "succeeded"),))] == 1
    assert found[("dativo_attempts_total", ())] == 1
    assert found[("dativo_pipe_full_ratio", (("pipe", "tap-x>target-y"),))] == 0.5
    assert found[("dativo_process_memory_bytes", (("side", "tap-x"),))] == 5_000_000
    assert found[("dativo_state_stored_timestamp_seconds", ())] == 1_795_478_402
    assert found[("dativo_run_last_success_timestamp_seconds", ())] == 1_795_478_403
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_run_that_fails_keeps_when_the_last_one_succeeded(told, tmp_path):
    path = tmp_path / "dativo_acme+users.prom"
    path.write_text('dativo_run_last_success_timestamp_seconds{job="users",tenant="acme"} 1.7e+09\n')
    told.observer.add(Textfile(told.tally, tmp_path))
    told.whole_run("limited", "too much", 1, limit="memory")
    found = samples(path.read_text())
    assert found[("dativo_run_last_success_timestamp_seconds", ())] == 1.7e9
    assert found[("dativo_limit_breaches_total", (("limit", "memory"),))] == 1
    assert found[("dativo_run_outcome", (("outcome", "limited"),))] == 1


def test_a_source_with_very_many_streams_makes_few_series(told, tmp_path):
    told.observer.add(Textfile(told.tally, tmp_path))
    told.start()
    for number in range(MOST_STREAMS + 10):
        told.count("tap-x", f"s{number}", 2)
    told.observer.ended("succeeded", None, 0)
    found = samples((tmp_path / "dativo_acme+users.prom").read_text())
    assert found[("dativo_records_total", (("side", "tap"), ("stream", "other")))] == 20
    assert sum(name == "dativo_bytes_total" for name, _ in found) == MOST_STREAMS + 1


def test_a_directory_that_is_not_there_is_a_warning(told, tmp_path):
    told.observer.add(Textfile(told.tally, tmp_path / "gone"))
    told.whole_run()
    [warning] = told.warnings
    assert warning.startswith("Textfile has stopped watching: FileNotFoundError")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_endpoint_answers_while_the_run_goes_on(told):
    port = free_port()
    told.observer.add(Endpoint(told.tally, f"127.0.0.1:{port}"))
    told.start()
    told.observer.ticked()
    told.count("tap-x", "users", 5)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        found = samples(answer.read().decode())
    assert found[("dativo_records_total", (("side", "tap"), ("stream", "users")))] == 5
    told.observer.ended("succeeded", None, 0)
    assert told.warnings == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_an_address_that_is_taken_is_a_warning(told):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        told.observer.add(Endpoint(told.tally, f"127.0.0.1:{taken.getsockname()[1]}"))
        told.start()
        told.observer.ticked()
        told.observer.ended("succeeded", None, 0)
    [warning] = told.warnings
    assert "Address already in use" in warning
