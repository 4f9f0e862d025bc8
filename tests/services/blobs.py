"""Google Cloud Storage and Azure Blob Storage for tests: a server that follows what they document.

Of Google's XML API: `x-goog-generation` names a version, `x-goog-if-generation-match` (0: none yet) refuses
with 412; https://cloud.google.com/storage/docs/xml-api/reference-headers. Of Azure: `If-None-Match` refuses
with 409, `If-Match` with 412, and what is deleted comes in batches;
https://learn.microsoft.com/rest/api/storageservices/put-blob and blob-batch. Both list as XML.
"""

import itertools
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_BOUNDARY = "batchresponse_of_the_tests"
_DATE = "Mon, 23 Nov 2026 19:00:00 GMT"


@dataclass
class Blobs:
    """What the server holds: path → (version, content)."""

    kind: str
    endpoint: str = ""
    objects: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def refusal(self, path: str, headers: Any) -> int:
        """The status that the conditions of a write lead to, 0 if they hold."""
        version = self.objects[path][0] if path in self.objects else 0
        if self.kind == "gs":
            wanted = headers.get("x-goog-if-generation-match")
            return 412 if wanted is not None and int(wanted) != version else 0
        if headers.get("If-None-Match") == "*" and version:
            return 409
        wanted = headers.get("If-Match")
        return 412 if wanted is not None and wanted != f'"{version}"' else 0


class _Handler(BaseHTTPRequestHandler):
    blobs: Blobs
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.blobs.one_at_a_time:
            refusal, version = self.blobs.refusal(self._name, self.headers), next(self.blobs.versions)
            if not refusal:
                self.blobs.objects[self._name] = (version, content)
        self._answer(refusal or (200 if self.blobs.kind == "gs" else 201), version=version)

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query or query.get("comp") == ["list"]:
            self._answer(200, _listing(self.blobs, self._name.strip("/"), query))
            return
        found = self.blobs.objects.get(self._name)
        self._answer(*((200, found[1], found[0]) if found else (404,)))

    def do_POST(self) -> None:
        batch = self.rfile.read(int(self.headers["Content-Length"])).decode()
        parts = [
            _batched(number, self.blobs.objects.pop(unquote(path), None) is not None)
            for number, path in enumerate(re.findall(r"^DELETE (\S+) HTTP", batch, re.MULTILINE))
        ]
        self._answer(202, "".join([*parts, f"--{_BOUNDARY}--\r\n"]).encode())

    def do_DELETE(self) -> None:
        gone = self.blobs.objects.pop(self._name, None)
        self._answer((204 if self.blobs.kind == "gs" else 202) if gone else 404)

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _answer(self, status: int, content: bytes = b"", version: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", _DATE)
        self.send_header("Content-Type", f"multipart/mixed; boundary={_BOUNDARY}")
        if version:
            self.send_header("ETag", f'"{version}"')
            self.send_header("x-goog-generation", str(version))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def blob_server(kind: str) -> Iterator[Blobs]:
    """A server for the time of a test; `kind` is "gs" or "az"."""
    blobs = Blobs(kind)
    handler = type("Handler", (_Handler,), {"blobs": blobs})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    blobs.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield blobs
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _batched(number: int, deleted: bool) -> str:
    status = "202 Accepted" if deleted else "404 The specified blob does not exist."
    code = "" if deleted else "x-ms-error-code: BlobNotFound\r\n"
    return (
        f"--{_BOUNDARY}\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n"
        f"HTTP/1.1 {status}\r\n{code}x-ms-version: 2018-11-09\r\n\r\n"
    )


def _listing(blobs: Blobs, bucket: str, query: dict[str, list[str]]) -> bytes:
    prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
    top = f"/{bucket}/"
    names = sorted(path.removeprefix(top) for path in blobs.objects if path.startswith(top + prefix))
    folders = {
        prefix + name[len(prefix) :].partition(delimiter)[0] + delimiter
        for name in names
        if delimiter and delimiter in name[len(prefix) :]
    }
    plain = [name for name in names if not any(name.startswith(folder) for folder in folders)]
    render = _google if blobs.kind == "gs" else _azure
    return render([(name, blobs.objects[top + name]) for name in plain], sorted(folders)).encode()


def _google(files: list[tuple[str, tuple[int, bytes]]], folders: list[str]) -> str:
    contents = "".join(
        f"<Contents><Key>{escape(name)}</Key><Generation>{version}</Generation><Size>{len(content)}</Size>"
        f'<LastModified>2026-11-23T19:00:00.000Z</LastModified><ETag>"{version}"</ETag></Contents>'
        for name, (version, content) in files
    )
    common = "".join(
        f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders
    )
    return (
        f"<?xml version='1.0'?><ListBucketResult><IsTruncated>false</IsTruncated>{contents}{common}"
        "</ListBucketResult>"
    )


def _azure(files: list[tuple[str, tuple[int, bytes]]], folders: list[str]) -> str:
    blobs = "".join(
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{_DATE}</Last-Modified>"
        f'<Etag>"{version}"</Etag><Content-Length>{len(content)}</Content-Length>'
        "<Content-Type>application/octet-stream</Content-Type></Properties></Blob>"
        for name, (version, content) in files
    )
    prefixes = "".join(f"<BlobPrefix><Name>{escape(folder)}</Name></BlobPrefix>" for folder in folders)
    return (
        f"<?xml version='1.0'?><EnumerationResults><Blobs>{blobs}{prefixes}</Blobs><NextMarker/>"
        "</EnumerationResults>"
    )
