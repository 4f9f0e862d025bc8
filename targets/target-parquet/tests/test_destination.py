import pytest
from target_parquet.destination import LocalPlace, S3Place, parse_place


def test_local_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    assert parse_place("out/lake") == LocalPlace(tmp_path / "out/lake")
    assert str(parse_place("file:///data/my%20lake").path) == "/data/my lake"
    assert str(parse_place("file://localhost/data").path) == "/data"
    assert str(parse_place("~/lake").path) == "/home/someone/lake"


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://lake", "lake", ""),
        ("s3://lake/", "lake", ""),
        ("S3://lake/a/b/", "lake", "a/b"),
        ("s3://my.lake-1/my%20dir/x?y#z", "my.lake-1", "my%20dir/x?y#z"),
    ],
)
def test_s3_places_are_literal(text, bucket, key):
    assert parse_place(text) == S3Place(bucket, key)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gs://bucket/lake", "gs:// is not supported, give a local path, file:// or s3://"),
        ("https://host/lake", "https:// is not supported"),
        ("file://server/lake", "three slashes"),
        ("file://", "three slashes"),
        ("s3:///lake", "bucket after its two slashes"),
        ("s3://a b/lake", "bucket after its two slashes"),
        ("s3://key:secret@lake/x", "bucket after its two slashes"),
        ("s3://lake/a//b", "no empty steps"),
        ("s3://lake/../b", "no empty steps"),
        ("s3://lake/a/./b", "no empty steps"),
    ],
)
def test_what_names_no_place_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_place(text)
    assert "secret" not in str(caught.value)
