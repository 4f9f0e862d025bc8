"""Who may use which connector, and executables that are given as paths (R4 R14-R16)."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dativo.connectors.policy import Rules, check_policy, must_be_shut_in
from dativo.connectors.programs import resolve
from dativo.connectors.registry import built_in_registry, load_registry
from dativo.errors import PolicyError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
OTHER = base64.b64encode(
    Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
).decode()


class Custom:
    """A registry with one executable that it names by path."""

    def __init__(self, directory):
        self.directory = directory
        self.file = directory / "bin" / "tap-own"
        self.file.parent.mkdir()
        self.file.write_text("#!/bin/sh\necho own\n")
        self.file.chmod(0o755)

    @property
    def digest(self):
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def sign(self):
        signature = KEY.sign(bytes.fromhex(self.digest))
        (self.directory / "tap-own.sig").write_text(base64.b64encode(signature).decode())

    def registry(self, name="registry.yaml", **changes):
        entry = {
            "name": "tap-own",
            "kind": "tap",
            "distribution": "tap-own",
            "version": "1.0",
            "executable": "bin/tap-own",
            "description": "Our own",
            "maturity": "beta",
            **changes,
        }
        path = self.directory / name
        path.write_text(yaml.safe_dump({"version": 1, "connectors": [entry]}))
        return path

    def program(self, **changes):
        return resolve("tap-own", "tap", load_registry([self.registry(**changes)]))


@pytest.fixture
def custom(tmp_path):
    return Custom(tmp_path)


def refusal(program, tenant=None, **rules):
    with pytest.raises(PolicyError) as caught:
        check_policy(program, tenant, Rules(**rules))
    return str(caught.value)


def test_without_rules_everything_may_run(custom):
    program = custom.program()
    assert program.origin == "custom"
    assert check_policy(program, "acme", Rules()) == []


def test_tenants_of_an_entry_are_held_to(custom):
    program = custom.program(policy={"tenants": ["acme", "eu-*"]})
    assert check_policy(program, "eu-north", Rules()) == check_policy(program, None, Rules()) == []
    assert "does not let tenant beta use tap-own; it lets acme, eu-*" in refusal(program, "beta")


def test_modes_of_an_entry_are_held_to(custom):
    program = custom.program(policy={"modes": ["self_hosted"]})
    assert check_policy(program, None, Rules()) == []
    assert "may run in mode self_hosted, and this project is cloud" in refusal(program, mode="cloud")


def test_a_tenant_may_use_only_what_the_project_lists_for_it(custom):
    program = custom.program()
    assert check_policy(program, "acme", Rules(tenant_connectors=("tap-*",))) == []
    assert "may use target-*, and not tap-own" in refusal(program, "acme", tenant_connectors=("target-*",))


def test_another_hash_is_refused(custom):
    assert check_policy(custom.program(sha256=custom.digest), None, Rules()) == []
    program = custom.program(sha256="0" * 64)
    said = refusal(program)
    assert custom.digest in said
    assert "0" * 64 in said


def test_a_signature_by_a_trusted_key_is_needed_where_one_is_named(custom):
    custom.sign()
    program = custom.program(signature="tap-own.sig")
    assert check_policy(program, None, Rules(trusted_keys=(OTHER, TRUSTED))) == []
    assert "no key of policy.trusted_keys has made" in refusal(program, trusted_keys=(OTHER,))
    assert "the project trusts no key" in refusal(program)
    assert "is no ed25519 key" in refusal(program, trusted_keys=("c2hvcnQ=",))
    custom.file.write_text("#!/bin/sh\necho changed\n")
    assert "no key of policy.trusted_keys has made" in refusal(program, trusted_keys=(TRUSTED,))


@pytest.mark.parametrize("content", [None, "not base64!"])
def test_a_signature_that_cannot_be_read(custom, content):
    if content:
        (custom.directory / "tap-own.sig").write_text(content)
    assert "cannot be read" in refusal(custom.program(signature="tap-own.sig"), trusted_keys=(TRUSTED,))


def test_where_a_lock_is_required_a_file_must_be_signed_and_a_name_installed(custom, monkeypatch):
    assert "names none" in refusal(custom.program(), require_lock=True, trusted_keys=(TRUSTED,))
    custom.sign()
    program = custom.program(signature="tap-own.sig")
    assert check_policy(program, None, Rules(require_lock=True, trusted_keys=(TRUSTED,))) == []
    monkeypatch.setenv("PATH", str(custom.file.parent), prepend=os.pathsep)
    assert "not installed from a lock" in refusal(custom.program(executable="tap-own"), require_lock=True)


def test_executables_come_from_allowed_directories_only_links_resolved(custom, tmp_path_factory):
    allowed = Rules(paths=(custom.directory / "bin",))
    assert check_policy(custom.program(), None, allowed) == []
    outside = tmp_path_factory.mktemp("outside") / "tap-own"
    outside.write_text("#!/bin/sh\n")
    outside.chmod(0o755)
    custom.file.unlink()
    custom.file.symlink_to(outside)
    assert f"{outside} lies outside" in refusal(custom.program(), paths=(custom.directory / "bin",))


def test_a_file_that_everyone_may_write_is_refused(custom):
    custom.file.chmod(0o757)
    assert "everyone may write" in refusal(custom.program(), paths=(custom.directory,))


def test_a_file_of_another_user_is_refused(custom):
    if os.getuid() == 0:
        os.chown(custom.file, 12345, -1)
        assert "belongs to another user (uid 12345)" in refusal(custom.program(), paths=(custom.directory,))
    else:
        assert check_policy(custom.program(), None, Rules(paths=(custom.directory,))) == []


def test_custom_executables_can_be_denied_on_path_too(custom, monkeypatch):
    assert "policy.custom is deny" in refusal(custom.program(), custom="deny")
    monkeypatch.setenv("PATH", str(custom.file.parent), prepend=os.pathsep)
    assert "policy.custom is deny" in refusal(custom.program(executable="tap-own"), custom="deny")


def test_what_dativo_brings_is_not_custom():
    program = resolve("tap-csv", "tap", load_registry([built_in_registry()]))
    assert check_policy(program, None, Rules(custom="deny")) == []
    assert not must_be_shut_in(program, Rules(custom="sandbox"))


def test_everything_can_be_shut_in(custom):
    brought = resolve("tap-csv", "tap", load_registry([built_in_registry()]))
    assert must_be_shut_in(brought, Rules(sandbox="strict"))
    assert must_be_shut_in(custom.program(), Rules(sandbox="strict"))


def test_custom_executables_can_be_shut_in(custom, monkeypatch):
    program = custom.program()
    assert must_be_shut_in(program, Rules(custom="sandbox"))
    assert not must_be_shut_in(program, Rules())
    assert check_policy(program, None, Rules(custom="sandbox")) == []
    assert not must_be_shut_in(dataclasses.replace(program, origin="lock"), Rules(custom="sandbox"))


def test_whoever_shadows_a_connector_is_told_so_or_refused(custom, monkeypatch):
    monkeypatch.setenv("PATH", str(custom.file.parent), prepend=os.pathsep)
    first = custom.registry("standard.yaml", executable="tap-own")
    second = custom.registry("own.yaml", executable="tap-own")
    program = resolve("tap-own", "tap", load_registry([first, second]))
    [warning] = check_policy(program, None, Rules())
    assert warning == f"tap-own of {second} takes the place of the one in {first}"
    assert "give it another name" in refusal(program, custom="deny")
