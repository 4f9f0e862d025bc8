"""What a package brings, and which of its programs is the connector."""

from __future__ import annotations

from pathlib import Path

import pytest
from dativo.connectors.packages import choose_script, kind_of, scripts_in_venv, wheel_identity
from dativo.connectors.probe import secret_paths
from dativo.errors import InstallError


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("tap_x-1.0-py3-none-any.whl", ("tap-x", "1.0")),
        ("Tap.X-1.0rc1-1-cp311-cp311-manylinux_2_17_x86_64.whl", ("tap-x", "1.0rc1")),
    ],
)
def test_a_wheel_is_known_by_its_name(name, identity):
    assert wheel_identity(Path("/w") / name) == identity


@pytest.mark.parametrize(
    "name", ["tap_x.whl", "tap_x-1.0.tar.gz", "tap_x-1.0-py3.whl", "tap_x-1.0-py3-none-any.zip"]
)
def test_what_is_not_named_like_a_wheel_is_refused(name):
    with pytest.raises(InstallError, match="is not named like a wheel"):
        wheel_identity(Path(name))


@pytest.mark.parametrize(
    ("scripts", "wanted", "chosen"),
    [
        (["tap-x"], ("tap-x",), "tap-x"),
        (["tap-x", "tap-y"], ("tap-y",), "tap-y"),
        (["tap-x", "helper"], ("acme-tap-x",), "tap-x"),
        (["helper", "target-y"], (), "target-y"),
        (["meltano-map-transform"], ("x",), "meltano-map-transform"),
    ],
)
def test_the_program_that_is_meant_is_found(scripts, wanted, chosen):
    assert choose_script("package", scripts, wanted) == chosen


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ([], "brings no program: it is no Singer tap or target"),
        (["a", "b"], r"brings several programs \(a, b\)"),
        (["tap-a", "tap-b"], "as `executable` of an entry in connectors.yaml"),
    ],
)
def test_what_could_be_several_or_none_is_not_guessed(scripts, message):
    with pytest.raises(InstallError, match=message):
        choose_script("package", scripts, ("package",))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("tap-x", "tap"), ("target-x", "target"), ("meltano-map-transform", "mapper"), ("tapestry", "mapper")],
)
def test_the_kind_follows_the_name(name, kind):
    assert kind_of(name) == kind


def test_scripts_are_those_of_the_distribution_alone(tmp_path):
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for info, text in (
        ("tap_x-1.0.dist-info", "[console_scripts]\ntap-x = tap_x:main\n\n[other]\nnot-this = a:b\n"),
        ("tap_x_y-1.0.dist-info", "[console_scripts]\ntap-x-y = y:main\n"),
        ("bare-1.0.dist-info", "[other]\nx = a:b\n"),
    ):
        (packages / info).mkdir(parents=True)
        (packages / info / "entry_points.txt").write_text(text)
    assert scripts_in_venv(tmp_path, "Tap.X") == ["tap-x"]
    assert scripts_in_venv(tmp_path, "tap-x-y") == ["tap-x-y"]
    assert scripts_in_venv(tmp_path, "bare") == []
    assert scripts_in_venv(tmp_path, "unknown") == []


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ({"properties": {"a": {"secret": True}, "b": {"writeOnly": True}, "c": {}}}, ("a", "b")),
        ({"properties": {"o": {"properties": {"k": {"secret": True}}}}}, ("o.k",)),
        (
            {"properties": {"l": {"type": "array", "items": {"properties": {"k": {"secret": True}}}}}},
            ("l.k",),
        ),
        ({"properties": {"x": True}}, ()),
        ({"properties": []}, ()),
        (None, ()),
    ],
)
def test_secret_settings_are_found_in_a_schema(schema, paths):
    assert secret_paths(schema) == paths
