"""Private keys for SSH, of any kind and form that is in use.

They are parsed by cryptography: paramiko's own parser has to be told the kind, and fails on some ECDSA keys.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from dativo_protocol.errors import ConfigError

from tap_postgres.certificates import PEM_BEGINS, pem_text

if TYPE_CHECKING:
    import paramiko
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from tap_postgres.connection_settings import SshTunnelSettings


def private_key(settings: SshTunnelSettings) -> paramiko.PKey | None:
    """Return the key of the settings, None if there is none.

    Raises:
        ConfigError: it cannot be read.
    """
    given = settings.private_key
    if not given:
        return None
    try:
        text = given if PEM_BEGINS in given else Path(given).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise _invalid(f"its file cannot be read: {error.strerror}") from None
    return _parse(pem_text(text).encode(), (settings.private_key_password or "").encode() or None)


def _parse(pem: bytes, password: bytes | None) -> paramiko.PKey:
    import paramiko
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    match _load(pem, password):
        case RSAPrivateKey() as key:
            return paramiko.RSAKey(key=key)
        case EllipticCurvePrivateKey() as key:
            return paramiko.ECDSAKey(vals=(key, key.public_key()))
        case Ed25519PrivateKey() as key:
            return paramiko.Ed25519Key.from_private_key(io.StringIO(_plain(key)))
        case other:
            raise _invalid(f"is of a kind that cannot be used: {type(other).__name__}")


def _load(pem: bytes, password: bytes | None) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    is_openssh = b"OPENSSH PRIVATE KEY" in pem
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        return load(pem, password)
    except TypeError:  # a passphrase too few, or one too many
        if password is None:
            raise _invalid("needs `private_key_password`") from None
        return load(pem, None)
    except (ValueError, UnsupportedAlgorithm):
        raise _invalid("cannot be read; the passphrase may be wrong") from None


def _plain(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization

    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _invalid(reason: str) -> ConfigError:
    problem = f"ssh_tunnel.private_key: {reason}"
    return ConfigError(f"configuration has 1 problem: {problem}", [problem])
