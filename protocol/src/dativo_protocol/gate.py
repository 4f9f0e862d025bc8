"""The gate before the input of a target: it says where it stands, and waits to be told to begin.

Whoever runs a target may have started a tap on the state that it takes for the right one. With a gate the
target can be started beside it: its first line on stdout is the STATE that the destination holds, and until a
byte comes through the gate it reads nothing. Whoever sees that the tap began at the wrong place closes the
gate instead, and nothing has happened.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dativo_protocol.errors import ConfigError
from dativo_protocol.pipes import write_all

if TYPE_CHECKING:
    from collections.abc import MutableMapping

VARIABLE = "DATIVO_GATE_FD"
"""Number of an inherited descriptor to read from; without it a target begins at once."""

CAPABILITY = "recover-gate"

_FIRST_OWN = 3
"""Below are the standard streams, of which none can be a gate."""


class Gate:
    """A descriptor from which one byte has to come.

    Args:
        number: of the descriptor, which is closed in the end.
    """

    def __init__(self, number: int) -> None:
        self._number = number

    def lets_through(self, standing: bytes | None, state_fd: int) -> bool:
        """Say where the destination stands, and wait; False if there is nothing to be loaded.

        Args:
            standing: the durable STATE, None for none.
            state_fd: descriptor for lines of STATE.

        Raises:
            ConfigError: the gate cannot be read.
            DownstreamClosed: nobody reads STATE.
        """
        try:
            write_all(state_fd, (standing or b"") + b"\n")
            return os.read(self._number, 1) != b""
        except OSError as error:
            raise _useless(str(self._number), error.strerror) from error
        finally:
            os.close(self._number)


def take_gate(environ: MutableMapping[str, str]) -> Gate | None:
    """The gate that this process is given, if it is; no process that it starts is given it too.

    Args:
        environ: of this process; the variable is gone afterwards.

    Raises:
        ConfigError: the variable does not name an open descriptor.
    """
    given = environ.pop(VARIABLE, None)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and int(given) >= _FIRST_OWN):
        raise _useless(given, f"it is no number of {_FIRST_OWN} or more")
    try:
        os.set_inheritable(int(given), False)  # noqa: FBT003
    except (OSError, OverflowError) as error:
        raise _useless(given, getattr(error, "strerror", None) or "there is no such descriptor") from error
    return Gate(int(given))


def _useless(given: str, why: str | None) -> ConfigError:
    return ConfigError(
        f"{VARIABLE}={given[:20]} cannot be waited on: {why}",
        instruction="Give it an open descriptor, or leave the variable out.",
    )
