"""Whose a secret is: one tenant's, or everybody's."""

from __future__ import annotations

from dativo.errors import SecretError
from dativo.records import dataclass

GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a secret is looked for; None is the global scope, which every tenant may use."""

    tenant: str | None

    def __str__(self) -> str:
        return self.tenant or GLOBAL

    def place(self, template: str, name: str) -> str:
        """A template such as `{tenant}/{name}` filled in.

        Raises:
            SecretError: tenant or name hold what joins them, so that two pairs could meet in one place.
        """
        between = template.partition("{tenant}")[2].partition("{name}")[0]
        # A `/` in a name leads below the tenant's own place; in a tenant it cannot be.
        joints = [str(self)] if between == "/" else [str(self), name]
        if not between or any(between in part for part in joints):
            raise SecretError(
                f"the secret {name} of {self}: neither may hold {between!r}, which joins them in {template!r}"
            )
        return template.replace("{tenant}", str(self)).replace("{name}", name)


def scopes_of(tenant: str | None) -> tuple[Scope, ...]:
    """Where the secrets of a job are looked for, in order: its tenant's, then those of all."""
    return (Scope(tenant), Scope(None)) if tenant else (Scope(None),)
