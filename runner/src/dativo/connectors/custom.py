"""Executables that a registry names by path: only those that are allowed, and only as they were signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from dativo.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dativo.connectors.registry import Entry


def check_custom(
    entry: Entry,
    executable: Path,
    *,
    directories: Sequence[Path] | None = None,
    trusted_keys: Sequence[str] = (),
    require_signature: bool = False,
) -> str:
    """Checks an executable that is given as a path, symbolic links resolved.

    Args:
        entry: of a registry; `sha256` and `signature` in it are held to.
        executable: its path.
        directories: where such executables may lie, owned by this user or root; None for anywhere.
        trusted_keys: ed25519 public keys, base64 of 32 bytes.
        require_signature: whether one without a signature is refused.

    Returns:
        SHA-256 of the file.

    Raises:
        PolicyError: it may not be started; says what to change.
    """
    name = entry.connector.name
    real = executable.resolve()
    if directories is not None:
        _check_place(name, real, directories)
        _check_owner(name, real)
    digest = hashlib.sha256(real.read_bytes()).hexdigest()
    expected = entry.connector.sha256
    if expected is not None and digest != expected:
        raise PolicyError(
            f"{name}: {real} has SHA-256 {digest}, the registry says {expected} ({entry.file}): put "
            "the file back, "
            "or correct the entry after looking at the change"
        )
    if entry.connector.signature is not None:
        _check_signature(entry, digest, trusted_keys)
    elif require_signature:
        raise PolicyError(
            f"{name}: the project asks for signatures, and its entry in {entry.file} names none"
        )
    return digest


def _check_place(name: str, real: Path, directories: Sequence[Path]) -> None:
    if not any(real.is_relative_to(directory.resolve()) for directory in directories):
        allowed = ", ".join(map(str, directories)) or "none"
        raise PolicyError(f"{name}: {real} lies outside of the directories of policy.paths ({allowed})")


def _check_owner(name: str, real: Path) -> None:
    """Nobody else must be able to change what is run in this user's name."""
    status = real.stat()
    if status.st_uid not in (0, os.getuid()):
        raise PolicyError(
            f"{name}: {real} belongs to another user (uid {status.st_uid}): take it over, or copy it"
        )
    if status.st_mode & stat.S_IWOTH:
        raise PolicyError(f"{name}: everyone may write {real}: chmod o-w it")


def _check_signature(entry: Entry, digest: str, trusted_keys: Sequence[str]) -> None:
    name = entry.connector.name
    assert entry.connector.signature is not None
    file = entry.file.parent / entry.connector.signature
    if not trusted_keys:
        raise PolicyError(
            f"{name}: it is signed, but the project trusts no key: list one in policy.trusted_keys"
        )
    try:
        signature = base64.b64decode(file.read_text(encoding="ascii").strip(), validate=True)
    except (OSError, ValueError) as error:
        raise PolicyError(f"{name}: its signature {file} cannot be read: {error}") from error
    if not any(_is_signed(key, signature, bytes.fromhex(digest)) for key in trusted_keys):
        raise PolicyError(f"{name}: no key of policy.trusted_keys has made the signature {file} of this file")


def _is_signed(key: str, signature: bytes, digest: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise PolicyError("checking signatures needs an extra: pip install 'dativo[sign]'") from error
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(signature, digest)
    except InvalidSignature:
        return False
    except (binascii.Error, ValueError) as error:
        raise PolicyError(f"policy.trusted_keys: {key!r} is no ed25519 key in base64: {error}") from error
    return True
