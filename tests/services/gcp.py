"""Google's Secret Manager for tests: a server that follows its HTTP documentation, tokens included.

https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access and
https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

EMAIL = "loader@project-of-tests.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_ACCESS = re.compile(r"/v1/projects/([^/]+)/secrets/([^/]+)/versions/([^/:]+):access")
_TOKEN = "token-of-the-tests"


@dataclass
class SecretManager:
    """What the server holds, and how it is reached.

    `versions` is (project, secret, version) → payload; `statuses` makes it answer an error instead.
    """

    directory: Path
    endpoint: str = ""
    versions: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    statuses: dict[str, tuple[int, str]] = field(default_factory=dict)
    checksum: str | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def key_file(self) -> Path:
        """Of a service account that may read everything."""
        return self.directory / "key.json"


@contextmanager
def secret_manager(directory: Path) -> Iterator[SecretManager]:
    """A server for the time of a test."""
    manager = SecretManager(directory)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            claims = _verified(body["assertion"][0], key)
            good = claims["iss"] == EMAIL and claims["scope"] == SCOPE
            answer = {"access_token": _TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            _send(self, 200 if good else 401, answer if good else {"error": "invalid_grant"})

        def do_GET(self) -> None:
            manager.asked.append(self.path)
            _send(self, *_answer(manager, self.path, self.headers.get("Authorization", "")))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    manager.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    _write_key(manager, key)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield manager
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(manager: SecretManager, path: str, authorization: str) -> tuple[int, dict[str, Any]]:
    match = _ACCESS.fullmatch(path)
    if authorization != f"Bearer {_TOKEN}":
        return _error(401, "UNAUTHENTICATED")
    if match is None:
        return _error(400, "INVALID_ARGUMENT")
    project, secret, version = (unquote(part) for part in match.groups())
    if secret in manager.statuses:
        return _error(*manager.statuses[secret])
    data = manager.versions.get((project, secret, version))
    if data is None:
        return _error(404, "NOT_FOUND")
    payload = {"data": base64.b64encode(data).decode()}
    if manager.checksum is not None:
        payload["dataCrc32c"] = manager.checksum
    return 200, {"name": f"projects/1/secrets/{secret}/versions/1", "payload": payload}


def _error(code: int, status: str) -> tuple[int, dict[str, Any]]:
    return code, {"error": {"code": code, "status": status, "message": f"says {status}"}}


def _send(handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _verified(token: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """Claims of a JWT; raises InvalidSignature if another key has signed it."""
    signed, _, signature = token.rpartition(".")
    key.public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    claims: dict[str, Any] = json.loads(_decoded(signed.partition(".")[2]))
    return claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _write_key(manager: SecretManager, key: rsa.RSAPrivateKey) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account",
        "client_email": EMAIL,
        "private_key_id": "1",
        "private_key": private.decode(),
        "token_uri": f"{manager.endpoint}/token",
    }
    manager.key_file.write_text(json.dumps(account))
