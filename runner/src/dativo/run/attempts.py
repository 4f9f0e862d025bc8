"""Tries again what may pass by itself, each time a little later, and only as long as that makes sense."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, TypeVar

from dativo.errors import RunFailed, SecretBackendDown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from dativo.jobs.limits import Retries

T = TypeVar("T")


class Attempts:
    """The tries of one run.

    Args:
        retries: what the job says.
        say: is told before each wait.
        sleep: seconds, for tests.
    """

    def __init__(
        self,
        retries: Retries,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.number = 1
        self._retries = retries
        self._say = say
        self._sleep = sleep
        self._moved = False
        self._fruitless = 0

    def progress(self) -> None:
        """The state has moved in this try, so the count starts anew."""
        self._moved = True

    def run(self, once: Callable[[], T]) -> T:
        """Calls `once` until it succeeds or fails for good; raises its last error."""
        try:
            return once()
        except (RunFailed, SecretBackendDown) as error:
            self._count()
            if not is_worth_another(error) or self._is_enough():
                raise
            return self._again(once, error)

    def _again(self, once: Callable[[], T], first: Exception) -> T:
        # Loaded late: a run that goes well does not pay for it.
        from tenacity import Retrying, retry_if_exception

        earlier = [first]

        def call() -> T:
            if earlier:
                raise earlier.pop()
            self.number += 1
            try:
                return once()
            except BaseException:
                self._count()
                raise

        retrying = Retrying(
            retry=retry_if_exception(is_worth_another),
            stop=lambda _: self._is_enough(),
            wait=self._wait,
            before_sleep=self._tell,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(call)

    def _count(self) -> None:
        self._fruitless = 1 if self._moved else self._fruitless + 1
        self._moved = False

    def _is_enough(self) -> bool:
        return self._fruitless >= self._retries.attempts or self.number >= self._retries.total

    def _wait(self, state: RetryCallState) -> float:
        from tenacity import wait_exponential, wait_random_exponential

        retries = self._retries
        strategy = wait_random_exponential if retries.jitter else wait_exponential
        since_progress = copy.copy(state)
        since_progress.attempt_number = self._fruitless
        return strategy(multiplier=retries.delay, max=retries.max_delay, exp_base=retries.factor)(
            since_progress
        )

    def _tell(self, state: RetryCallState) -> None:
        assert state.outcome is not None
        left = self._retries.attempts - self._fruitless
        tries = "the last try" if left == 1 else f"{left} tries left"
        self._say(
            f"try {self.number} failed: {state.outcome.exception()}; again in {state.upcoming_sleep:.1f} s "
            f"({tries})"
        )


def is_worth_another(error: BaseException) -> bool:
    """Whether the same try may succeed in a moment."""
    if isinstance(error, RunFailed):
        return error.again
    return isinstance(error, SecretBackendDown)
