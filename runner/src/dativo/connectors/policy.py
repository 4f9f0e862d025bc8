"""Who may use which connector: what entries and projects say, enforced before anything starts."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from dativo.errors import PolicyError
from dativo.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dativo.connectors.entry import Mode
    from dativo.connectors.programs import Program
    from dativo.jobs.limits import Sandbox
    from dativo.jobs.project import Project

Custom = Literal["allow", "sandbox", "deny"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a project allows.

    Attributes:
        mode: where it runs.
        custom: what becomes of connectors that dativo does not bring and that were not installed by lock.
        paths: directories that executables given as paths may lie in; None for anywhere.
        trusted_keys: ed25519 public keys, base64.
        require_lock: whether only connectors installed from a lock, and signed files, may run.
        tenant_connectors: patterns of names that the tenant may use; None for all.
        sandbox: `strict` if every connector has to be in one.
    """

    mode: Mode = "self_hosted"
    custom: Custom = "allow"
    paths: tuple[Path, ...] | None = None
    trusted_keys: tuple[str, ...] = ()
    require_lock: bool = False
    tenant_connectors: tuple[str, ...] | None = None
    sandbox: Sandbox = "none"


def rules_of(project: Project, tenant: str | None) -> Rules:
    """What a project says, for the jobs of a tenant; its own directory is where executables may lie."""
    policy = project.settings.policy
    own = project.tenant(tenant).connectors if tenant is not None else ()
    return Rules(
        policy.mode,
        policy.custom,
        tuple(project.root / each for each in policy.paths) if policy.paths else None,
        policy.trusted_keys,
        policy.require_lock,
        own or None,
        policy.sandbox,
    )


def check_policy(program: Program, tenant: str | None, rules: Rules) -> list[str]:
    """Whether a tenant's job may use a connector.

    Returns:
        Warnings.

    Raises:
        PolicyError: it may not; says by which rule.
    """
    _check_entry(program, tenant, rules)
    warnings = _shadowing(program, rules)
    if rules.custom == "deny" and _is_foreign(program):
        raise PolicyError(
            f"{program.name} is the executable {program.executable}, which dativo does not bring, and "
            "policy.custom is deny: use an installed one"
        )
    if program.origin == "custom":
        _check_file(program, rules)
    elif rules.require_lock and program.origin != "lock":
        raise PolicyError(
            f"{program.name} at {program.executable} was not installed from a lock, and the project asks for "
            f"one: dativo install {program.name}"
        )
    return warnings


def must_be_shut_in(program: Program, rules: Rules) -> bool:
    """Whether a connector may run in a sandbox only, whatever its job says."""
    return rules.sandbox == "strict" or (rules.custom == "sandbox" and _is_foreign(program))


def _is_foreign(program: Program) -> bool:
    """Whether dativo neither brings a connector nor knows its bytes from a lock."""
    from dativo.connectors.registry import built_in_registry

    if program.origin == "lock":
        return False
    return program.origin == "custom" or program.entry is None or program.entry.file != built_in_registry()


def _check_entry(program: Program, tenant: str | None, rules: Rules) -> None:
    name, allowed = program.name, program.connector.policy
    if rules.mode not in allowed.modes:
        raise PolicyError(
            f"{name} may run in mode {' or '.join(allowed.modes)}, and this project is {rules.mode}"
        )
    if tenant is None:
        return
    if not _matches(tenant, allowed.tenants):
        raise PolicyError(
            f"the registry does not let tenant {tenant} use {name}; it lets {_list(allowed.tenants)}"
        )
    if rules.tenant_connectors is not None and not _matches(name, rules.tenant_connectors):
        raise PolicyError(f"tenant {tenant} may use {_list(rules.tenant_connectors)}, and not {name}")


def _check_file(program: Program, rules: Rules) -> None:
    from dativo.connectors.custom import check_custom

    assert program.entry is not None
    check_custom(
        program.entry,
        program.executable,
        directories=rules.paths,
        trusted_keys=rules.trusted_keys,
        require_signature=rules.require_lock,
    )


def _shadowing(program: Program, rules: Rules) -> list[str]:
    """R4: whoever replaces a connector that dativo brings is told so in every run."""
    entry = program.entry
    if entry is None or entry.shadows is None:
        return []
    said = f"{program.name} of {entry.file} takes the place of the one in {entry.shadows}"
    if rules.custom == "deny":
        raise PolicyError(f"{said}, and policy.custom is deny: give it another name")
    return [said]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _list(patterns: Sequence[str]) -> str:
    return ", ".join(patterns) or "nobody"
