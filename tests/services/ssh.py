"""An SSH server that forwards connections, in a thread of the tests: needs no root and no program."""

import asyncio
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import asyncssh

_START_SECONDS = 30


@dataclass
class SshServer:
    """Lets in whoever has `user_key`; start and stop it with `with`.

    Attributes:
        forwards: whether it connects its clients to anything.
        asked: places that clients asked to be connected to.
    """

    forwards: bool = True
    user_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    host_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    asked: list[tuple[str, int]] = field(default_factory=list)
    port: int = 0
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(_START_SECONDS)
        self.port = self._server.get_port()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def private_key(self, passphrase: str | None = None) -> str:
        """The user's key as text."""
        return self.user_key.export_private_key(passphrase=passphrase, rounds=50).decode()

    def public_host_key(self) -> str:
        """As `host_key` of the settings has it."""
        return self.host_key.export_public_key().decode().strip()

    def drop(self) -> None:
        """Cut every connection."""
        for connection in self.connections:
            self._loop.call_soon_threadsafe(connection.abort)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Session(self), "127.0.0.1", 0, server_host_keys=[self.host_key]
        )

    async def _close(self) -> None:
        self._server.close()
        for connection in self.connections:
            connection.abort()
            await connection.wait_closed()
        await self._server.wait_closed()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:  # the ends of what was forwarded
            await asyncio.wait(others)
        await asyncio.sleep(0)  # transports close at the next turn


class _Session(asyncssh.SSHServer):
    def __init__(self, server: SshServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connections.append(conn)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        self._server.asked.append((dest_host, dest_port))
        return self._server.forwards

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return key.export_public_key() == self._server.user_key.export_public_key()
