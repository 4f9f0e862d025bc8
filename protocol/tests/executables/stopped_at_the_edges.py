"""A command that fails, told to stop as it begins to listen, while it works, or at the last moment."""

import os
import signal
import sys

import click
from dativo_protocol import cli

listen, [when] = signal.signal, sys.argv[1:]


def tell() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def listen_and_tell(number, handler):
    if number == signal.SIGTERM and handler is signal.SIG_IGN and when == "last":
        tell()
    listen(number, handler)
    if number == signal.SIGTERM and handler is not signal.SIG_IGN and when == "first":
        tell()


def work():
    if when == "meanwhile":
        tell()
    raise click.UsageError("it fails")


signal.signal = listen_and_tell
cli.run(click.Command("tap", callback=work), [])
