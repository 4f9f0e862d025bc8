"""Kills one pipeline after the other at random moments, and looks after each kill at what is visible.

`DATIVO_CRASH_SEED` repeats a run of its tests, as far as the machine lets it.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.e2e.crash.harness import EPOCHS_BY_RECORDS, Pipeline, expected
from tests.e2e.crash.nursery import Nursery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.e2e.crash.harness import Ended
    from tests.e2e.crash.places import Place

SEED = os.environ.get("DATIVO_CRASH_SEED") or str(random.SystemRandom().randrange(10**6))
RECORDS = 600
KEYS = 150
"""Of upserts."""
RECOVERIES_KILLED = 0.15
KILLED = -9


class Tormentor:
    """Kills one pipeline after the other until it has killed often enough.

    Half of the kills come at any moment of a run, however long a run takes here; half come just when an epoch
    has been written down, where most can go wrong.
    """

    def __init__(
        self,
        scratch: Path,
        new_place: Callable[[Path], Place],
        load_method: str,
        chance: random.Random,
        program: str = "target-parquet",
    ) -> None:
        self._scratch = scratch
        self._new_place = new_place
        self._load_method = load_method
        self._chance = chance
        self._program = program
        self._places = 0
        self._longest = 0.5
        self.seen: Counter[str] = Counter()

    def kill(self, times: int) -> None:
        """Kill so many targets, and hold what is visible against the durable STATE after each."""
        nursery = Nursery(self._program)
        try:
            while self.seen["kills"] < times:
                pipeline = self._pipeline(nursery)
                self._torment(pipeline, times)
        finally:
            nursery.close()

    def _pipeline(self, nursery: Nursery) -> Pipeline:
        self._places += 1
        scratch = self._scratch / str(self._places)
        scratch.mkdir()
        target = {
            **EPOCHS_BY_RECORDS,
            "epoch_max_records": 60,
            "load_method": self._load_method,
            "partition_by": self._chance.choice([[], ["part"]]),
        }
        tap = {"records": RECORDS, "state_every": 20}
        if self._load_method == "upsert":
            tap["keys"] = KEYS
        return Pipeline(self._new_place(scratch), nursery, scratch, tap, target)

    def _torment(self, pipeline: Pipeline, times: int) -> None:
        """Run one pipeline to its end, through as many kills as it takes until there were enough."""
        generation, code, state = 0, KILLED, dict[str, Any]()
        while code == KILLED:
            pipeline.tap["generation"] = generation
            enough = self.seen["kills"] >= times
            ended = pipeline.run(state=state) if enough else self._run(pipeline, state)
            code = ended.code
            self._count(code)
            if self._chance.random() < RECOVERIES_KILLED:
                self._count(pipeline.recover(kill_after=self._chance.uniform(0.0, 0.1)).code)
            state = pipeline.durable()
            generation = self._check(pipeline, state, generation, ended=code == 0)
        assert code == 0, ended.stderr
        pipeline.verify()

    def _run(self, pipeline: Pipeline, state: Mapping[str, Any]) -> Ended:
        if self._chance.random() < 0.5:
            before = pipeline.prepared() + self._chance.choice([0, 0, 1, 2])
            moment = self._chance.uniform(0.0, 0.03)
            return pipeline.run(state=state, kill_after=moment, once=lambda: pipeline.prepared() > before)
        ended = pipeline.run(state=state, kill_after=self._chance.uniform(0.0, self._longest))
        self._longest = 1.1 * ended.seconds if ended.code == 0 else 1.05 * self._longest
        return ended

    def _check(self, pipeline: Pipeline, state: Mapping[str, Any], generation: int, *, ended: bool) -> int:
        """Judge what is visible; returns the generation that the next run shall write."""
        if self._load_method != "overwrite":
            assert not ended or state == {"next": RECORDS}
            pipeline.check(state)
            self.seen[f"epochs {state.get('next', 0) // 60:02d}"] += 1
            return 0
        found = Counter(pipeline.place.rows())
        allowed = [Counter[Any](), *(expected(RECORDS, each) for each in range(generation + 1))]
        assert found in allowed[-1:] if ended else found in allowed
        self.seen["replaced" if found == allowed[-1] else "kept"] += 1
        return generation + 1

    def _count(self, code: int) -> None:
        assert code in (0, KILLED)
        self.seen["kills" if code == KILLED else "survived"] += 1


def torment(
    scratch: Path,
    new_place: Callable[[Path], Place],
    load_method: str,
    kills: int,
    program: str = "target-parquet",
) -> Counter[str]:
    """Kill so many targets, by two tormentors at once; returns what they have seen."""
    tormentors = []
    for number in range(2):
        own = scratch / str(number)
        own.mkdir()
        chance = random.Random(f"{SEED} {load_method} {number}")
        tormentors.append(Tormentor(own, new_place, load_method, chance, program))
    with ThreadPoolExecutor(len(tormentors)) as threads:
        list(threads.map(lambda each: each.kill(-(-kills // 2)), tormentors))
    seen = sum((each.seen for each in tormentors), Counter[str]())
    print(f"seed {SEED}, {load_method}: {dict(sorted(seen.items()))}")
    return seen
