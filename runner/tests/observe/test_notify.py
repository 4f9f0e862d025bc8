"""Notifications: who is told when, and what becomes of a receiver that does not answer."""

from __future__ import annotations

import socket
import threading

import pytest
from dativo.observe.http import NotDelivered, post_json
from dativo.observe.notify import Notifications, Webhook, occasions


def notify(told, receiver, *, on=("failure",), before=None, form="json", headers=None, url=None):
    webhook = Webhook(url or f"{receiver.url}/hook?key=s3cret", on, headers or {}, form, 10.0)
    told.observer.add(Notifications(told.tally, [webhook], lambda: before, told.warnings.append))


@pytest.mark.parametrize(
    ("outcome", "limit", "before", "expected"),
    [
        ("succeeded", None, None, {"success"}),
        ("succeeded", None, "succeeded", {"success"}),
        ("succeeded", None, "failed", {"success", "recovered"}),
        ("succeeded", None, "killed", {"success", "recovered"}),
        ("failed", None, "failed", {"failure"}),
        ("limited", "memory", None, {"failure", "limit"}),
        ("interrupted", None, None, {"failure"}),
    ],
)
def test_a_run_is_one_or_more_occasions(outcome, limit, before, expected):
    assert occasions({"outcome": outcome, "limit": limit}, before) == expected


def test_the_report_is_posted_with_the_headers(told, receiver):
    notify(told, receiver, headers={"X-Token": "abc"})
    told.whole_run("failed", "tap-x exited with code 1: boom", 1)
    [(path, headers, _)] = receiver.requests
    assert path == "/hook?key=s3cret"
    assert headers["X-Token"] == "abc"
    assert headers["Content-Type"] == "application/json"
    [document] = receiver.documents
    assert (document["outcome"], document["reason"]) == ("failed", "tap-x exited with code 1: boom")
    assert told.warnings == []


def test_what_was_not_asked_for_is_not_told(told, receiver):
    notify(told, receiver, on=("failure", "recovered"), before="succeeded")
    told.whole_run()
    assert receiver.requests == []


def test_slack_gets_a_text_with_its_characters_escaped(told, receiver):
    notify(told, receiver, form="slack")
    told.whole_run("failed", "expected <int> & more", 1)
    [document] = receiver.documents
    assert list(document) == ["text"]
    assert document["text"].startswith(":x: *acme/users failed in 3.0 s")
    assert "expected &lt;int&gt; &amp; more" in document["text"]


def test_a_receiver_in_trouble_is_asked_again(told, receiver):
    receiver.codes = [503, 500]
    notify(told, receiver)
    told.whole_run("failed", "boom", 1)
    assert len(receiver.requests) == 3
    assert told.warnings == []


@pytest.mark.parametrize(("codes", "requests"), [([404], 1), ([500, 502, 503], 3), ([307], 1)])
def test_a_receiver_that_does_not_take_it_is_a_warning_without_its_secret(told, receiver, codes, requests):
    receiver.codes = list(codes)
    notify(told, receiver)
    told.whole_run("failed", "boom", 1)
    assert len(receiver.requests) == requests
    [warning] = told.warnings
    assert warning == f"a notification was not delivered: 127.0.0.1 did not take it: HTTP {codes[-1]}"


def test_nobody_there_is_a_warning_too(told):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    notify(told, None, url=f"http://user:pass@127.0.0.1:{port}/secret")
    told.whole_run("failed", "boom", 1)
    [warning] = told.warnings
    assert "127.0.0.1 did not take it" in warning
    assert "secret" not in warning
    assert "pass" not in warning


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "nowhere", "http:///x"])
def test_only_http_is_spoken(url):
    with pytest.raises(NotDelivered, match="must begin with http"):
        post_json(url, {}, {}, 1.0)


def test_a_job_tells_a_webhook_that_it_has_recovered(project, receiver):
    told = {"notifications": [{"webhook": receiver.url, "on": ["failure", "recovered"], "format": "json"}]}
    assert project.dativo("run", project.job([{"exit": 3}], **told), "--no-retry").returncode == 1
    assert project.dativo("run", project.job([{"records": 1}], **told)).returncode == 0
    assert project.dativo("run", project.job([{"records": 1}], **told)).returncode == 0
    assert [document["outcome"] for document in receiver.documents] == ["failed", "succeeded"]


def test_what_is_no_http_is_a_warning_that_quotes_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer():
            for _ in range(3):
                taken, _address = server.accept()
                with taken:
                    taken.recv(65_536)
                    taken.sendall(b"s3cret garbage\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NotDelivered) as caught:
            post_json(f"http://127.0.0.1:{port}/s3cret", {}, {}, 10.0)
        thread.join(30)
    assert str(caught.value) == "127.0.0.1 did not take it: BadStatusLine"


@pytest.mark.parametrize("headers", [{}, {"X-Token": "s3cret\n"}])
def test_an_address_or_a_header_with_a_line_end_is_not_quoted(receiver, headers):
    with pytest.raises(NotDelivered) as caught:
        post_json(f"{receiver.url}/s3cret{'' if headers else ' x'}", {}, headers, 10.0)
    assert "s3cret" not in str(caught.value)
