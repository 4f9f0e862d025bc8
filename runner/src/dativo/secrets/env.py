"""Secrets in environment variables: `DATIVO_SECRET__TENANT__NAME`, `DATIVO_SECRET__GLOBAL__NAME`.

A suffix `__json`, `__env` or `__text` says how the value is to be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from dativo.errors import SecretError
from dativo.jobs.tenant_names import in_variables
from dativo.records import dataclass
from dativo.secrets.backends import Payload
from dativo.secrets.parse import Form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dativo.secrets.scope import Scope

PREFIX = "DATIVO_SECRET"
_TEMPLATE = "{tenant}__{name}"


@dataclass(frozen=True, slots=True)
class EnvBackend:
    """Looks into a copy of the environment."""

    environ: Mapping[str, str]
    name: Final = "env"

    @property
    def warnings(self) -> list[str]:
        return []

    def place(self, scope: Scope, name: str) -> str:
        return f"env {self._variable(scope, name)}"

    def fetch(self, scope: Scope, name: str, version: str | None) -> Payload | None:
        del version
        variable = self._variable(scope, name)
        for form in get_args(Form):
            suffix = "" if form == "auto" else f"__{form}"
            for spelled in (suffix, suffix.upper()):
                if (value := self.environ.get(variable + spelled)) is not None:
                    return Payload(value, form)
        return None

    @staticmethod
    def _variable(scope: Scope, name: str) -> str:
        # Two names that differ in what no variable may hold are one variable; two scopes must never be.
        tenant = str(scope)
        if "__" in in_variables(tenant):
            raise SecretError(
                f"the tenant {tenant} cannot have secrets in the environment: `__` joins names there"
            )
        return f"{PREFIX}__{in_variables(tenant)}__{in_variables(name)}"
