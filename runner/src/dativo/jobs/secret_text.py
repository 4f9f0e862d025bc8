"""A text of a job or project file that waits for secrets: `${secret:NAME[#FIELD][@VERSION]}`."""

from __future__ import annotations

from dativo.records import dataclass

SECRET_NAME = r"[A-Za-z0-9][A-Za-z0-9._/-]*"  # noqa: S105
"""Names of secrets; `..` is refused beside."""

SECRET_VARIABLES = "DATIVO_SECRET__"  # noqa: S105
"""Variables that begin so hold secrets of tenants: only `${secret:NAME}` leads to them."""


@dataclass(frozen=True, slots=True, order=True)
class SecretRef:
    """One secret that a file asks for.

    Attributes:
        name: which one; the scope (the job's tenant, then global) is not part of it.
        field: member of a payload that is an object, None for the whole payload.
        version: version as the backend names it, None for the newest.
    """

    name: str
    field: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        """`pg#password@3`."""
        field = f"#{self.field}" if self.field is not None else ""
        return self.name + field + (f"@{self.version}" if self.version is not None else "")


@dataclass(frozen=True, slots=True)
class SecretText:
    """A text with references to secrets in it; reading a file, validating and planning never resolve them.

    Attributes:
        parts: literal texts and references, in order; variables are expanded, `$${` is unescaped.
    """

    parts: tuple[str | SecretRef, ...]

    @property
    def refs(self) -> tuple[SecretRef, ...]:
        return tuple(part for part in self.parts if isinstance(part, SecretRef))

    @property
    def whole(self) -> SecretRef | None:
        """The reference if the text is exactly one: it then stands for the payload itself, a text or not."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, SecretRef) else None

    def __str__(self) -> str:
        """The references as written, other parts as `…`: they may be expanded variables."""
        return "".join(f"${{secret:{part}}}" if isinstance(part, SecretRef) else "…" for part in self.parts)
