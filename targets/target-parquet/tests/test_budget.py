"""How many bad records a run may have: `max_invalid` and `max_invalid_ratio`."""

import pytest

INTEGER = {"type": "integer"}
STATE = {"type": "STATE", "value": 1}
EVERY_STATE = {"epoch_max_bytes": 0, "epoch_max_seconds": 0}

both_policies = pytest.mark.parametrize("policy", ["quarantine", "skip"])


@pytest.fixture
def users(schema_line, record):
    """Makes the messages of a stream with so many good records, then so many bad ones."""

    def messages(good, bad):
        rows = [record(id=number) for number in range(good)]
        return [schema_line(id=INTEGER), *rows, *[record(id="x") for _ in range(bad)]]

    return messages


@both_policies
def test_as_many_as_allowed_are_no_reason_to_fail(load, users, read, policy):
    outcome = load(*users(3, 2), STATE, on_invalid=policy, max_invalid=2)
    assert (outcome.code, outcome.stdout) == (0, b"1\n"), outcome.stderr
    assert len(read("users")) == 3


@both_policies
def test_one_more_ends_the_run_with_nothing_published(load, users, files, policy):
    outcome = load(*users(3, 1), b"{\n", *users(0, 1)[1:], STATE, on_invalid=policy, max_invalid=2)
    assert (outcome.code, outcome.stdout) == (1, b"")
    [critical] = [line for line in outcome.stderr.splitlines() if "CRITICAL" in line]
    assert critical.endswith(
        "3 records are invalid, max_invalid allows 2; nothing since the last STATE is published. First: "
        "line 5, stream 'users', /id: expected integer, got string; "
        "line 6: malformed JSON at byte 2: expected a key; "
        "line 7, stream 'users', /id: expected integer, got string. "
        "Correct the source's data or schema and run again from the last STATE, or allow more of them."
    )
    assert files() == []


def test_none_may_be_allowed(load, users):
    outcome = load(*users(3, 1), on_invalid="quarantine", max_invalid=0)
    assert outcome.code == 1
    assert "1 record is invalid, max_invalid allows 0" in outcome.stderr


def test_what_an_epoch_before_has_published_stands(load, users, read):
    later = users(5, 2)[1:]
    outcome = load(*users(2, 1), STATE, *later, on_invalid="quarantine", max_invalid=2, **EVERY_STATE)
    assert (outcome.code, outcome.stdout) == (1, b"1\n")
    assert len(read("users")) == 2
    assert len(read("_quarantine")) == 1


@both_policies
def test_the_share_is_looked_at_at_the_end(load, users, files, read, policy):
    outcome = load(*users(9, 1), STATE, on_invalid=policy, max_invalid_ratio=0.1)
    assert outcome.code == 0, outcome.stderr
    outcome = load(*users(8, 1), STATE, on_invalid=policy, max_invalid_ratio=0.1, pipeline="other")
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert (
        "1 record is invalid among 9 read, that is 11.111%; max_invalid_ratio allows 10.000%"
        in outcome.stderr
    )
    assert len(read("users")) == 9


def test_the_share_is_looked_at_before_each_publication_over_all_read_so_far(load, users, read):
    good = users(10, 0)
    options = {"on_invalid": "quarantine", "max_invalid_ratio": 0.2, **EVERY_STATE}
    outcome = load(*good, STATE, *users(0, 2)[1:], {"type": "STATE", "value": 2}, *good, **options)
    assert (outcome.code, outcome.stdout) == (0, b"1\n2\n"), outcome.stderr
    outcome = load(*users(1, 1), STATE, *good, **options, pipeline="other")
    assert (outcome.code, outcome.stdout) == (1, b"")
    assert "1 record is invalid among 2 read, that is 50.000%" in outcome.stderr
    assert len(read("users")) == 20


def test_a_run_without_records_has_no_share(load, schema_line):
    assert load(schema_line(id=INTEGER), on_invalid="skip", max_invalid_ratio=0).code == 0


def test_rows_of_batch_files_count(load, users, tmp_path):
    path = tmp_path / "batch.jsonl"
    path.write_text('{"id":1}\n{"id":2}\n{"id":3}\n{"id":"x"}\n')
    message = {"type": "BATCH", "stream": "users", "encoding": {"format": "jsonl"}, "manifest": [str(path)]}
    assert load(*users(0, 0), message, on_invalid="skip", max_invalid_ratio=0.25).code == 0
    outcome = load(*users(0, 0), message, on_invalid="skip", max_invalid_ratio=0.24)
    assert outcome.code == 1
    assert "1 record is invalid among 4 read" in outcome.stderr
    assert f"(line of {path})" in outcome.stderr


@pytest.mark.parametrize("budget", [{"max_invalid": 1}, {"max_invalid_ratio": 0.5}], ids=str)
def test_a_budget_that_the_policy_has_no_use_for_is_refused(load, users, budget):
    outcome = load(*users(1, 0), **budget)
    assert outcome.code == 1
    assert "the first invalid record ends the run, set on_invalid to quarantine or skip" in outcome.stderr


@pytest.mark.parametrize(
    "budget", [{"max_invalid": -1}, {"max_invalid": "1%"}, {"max_invalid_ratio": 1.5}], ids=str
)
def test_a_budget_that_means_nothing_is_refused(load, users, budget):
    outcome = load(*users(1, 0), on_invalid="skip", **budget)
    assert outcome.code == 1
    assert next(iter(budget)) in outcome.stderr
