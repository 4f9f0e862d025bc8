"""TLS in front of a PostgreSQL that has none: a proxy that ends it, and certificates to show."""

import datetime as dt
import ipaddress
import select
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_SSL_REQUEST_BYTES = 8
_LIFETIME = dt.timedelta(days=2)


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `path` is its own."""

    directory: Path
    name: str
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, directory: Path, name: str) -> Self:
        made = cls(directory, name, ec.generate_private_key(ec.SECP256R1()))
        certificate = made._certificate(name, made.key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        made.path.write_bytes(_pem(certificate.sign(made.key, hashes.SHA256())))
        return made

    @property
    def path(self) -> Path:
        return self.directory / f"{self.name}.crt"

    def issue(self, name: str) -> tuple[Path, Path]:
        """Paths of a certificate for a host or user of this name, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general_name(name)])
        certificate = self._certificate(name, key).add_extension(names, critical=False)
        paths = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        paths[0].write_bytes(_pem(certificate.sign(self.key, hashes.SHA256())))
        form = serialization.PrivateFormat.PKCS8
        text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        paths[1].write_bytes(text)
        paths[1].chmod(0o600)
        return paths

    def _certificate(self, name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_distinguished(name))
            .issuer_name(_distinguished(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LIFETIME)
            .not_valid_after(now + _LIFETIME)
        )


class TlsProxy:
    """Ends TLS as a PostgreSQL server would, and forwards to one; start and stop it with `with`.

    Args:
        port: of the server.
        certificate: paths of certificate and key to show.
        clients: whose clients' certificates are demanded; None to demand none.
    """

    def __init__(self, port: int, certificate: tuple[Path, Path], clients: Authority | None = None) -> None:
        self._upstream = ("127.0.0.1", port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._context.set_alpn_protocols(["postgresql"])
        if clients is not None:
            self._context.load_verify_locations(clients.path)
            self._context.verify_mode = ssl.CERT_REQUIRED

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._upstream) as server:
            client.recv(_SSL_REQUEST_BYTES, socket.MSG_WAITALL)
            client.sendall(b"S")
            with self._context.wrap_socket(client, server_side=True) as inner:
                _pump(inner, server)


def _pump(inner: ssl.SSLSocket, server: socket.socket) -> None:
    """Both ways in one thread: a TLS socket is not safe for two."""
    while True:
        ready = [inner] if inner.pending() else select.select([inner, server], [], [])[0]
        for source in ready:
            data = source.recv(1 << 16)
            if not data:
                return
            (server if source is inner else inner).sendall(data)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _distinguished(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
