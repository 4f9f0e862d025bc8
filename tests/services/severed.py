"""A TCP proxy in front of a database, which cuts the connection once the database has done what was asked."""

import contextlib
import select
import socket
import struct
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass
class SeveringProxy:
    """Forwards to a port of this machine; start and stop it with `with`.

    Attributes:
        upstream: port of the server.
        cuts: how often it has cut a connection.
    """

    upstream: int
    cuts: int = 0
    _word: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _listener: socket.socket = field(default_factory=socket.socket)

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def cut_after(self, word: bytes) -> None:
        """Let the next request that has this word reach the server, and its answer nobody."""
        with self._lock:
            self._word = word

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
            waiting = False
            with contextlib.suppress(OSError):
                while True:
                    readable, _, _ = select.select([client, server], [], [])
                    for source in readable:
                        data = source.recv(65536)
                        if not data:
                            return
                        if source is server and waiting:
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                            return
                        waiting = waiting or (source is client and self._is_it(data))
                        (server if source is client else client).sendall(data)

    def _is_it(self, data: bytes) -> bool:
        with self._lock:
            found = bool(self._word) and self._word in data
            if found:
                self._word = b""
                self.cuts += 1
            return found
