"""The acceptance kit: a Singer executable, judged from outside by what it writes and how it ends."""

from dativo_protocol.testing.memory import peak_memory
from dativo_protocol.testing.process import Outcome, Running, run, start

__all__ = ["Outcome", "Running", "peak_memory", "run", "start"]
