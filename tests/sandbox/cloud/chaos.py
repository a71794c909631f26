"""A bad day on purpose: functions' processes are killed, their calls are refused, their events come several times.

Nothing happens until somebody asks for it at /_tidegate/chaos. What happens then is drawn from the given seed in the
order in which invocations and calls arrive. What is counted is counted on good days, too.

The process is found in a private attribute of ministack 1.5.33's `ProvidedWorker`, which says by itself that a process
is gone: the invocation that ran in it then fails with Runtime.ExitError, as in AWS.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core.lambda_runtime import ProvidedWorker

# How long an invocation takes, in seconds, before one was seen: in a process that has to start, and in one that waits.
_FIRST_GUESS = {True: 0.8, False: 0.2}

# A kill comes somewhere in the usual length of an invocation; one that comes after the end hits a process that waits.
_LATEST = 1.2

# Which of its invocations a process does not outlive.
_LIVES = (1, 1, 2, 3, 4)

# How much later than the first a further copy of an event may come, in seconds.
_SPREAD = 1.5


@dataclass(frozen=True)
class Plan:
    """How bad the day is."""

    seed: int = 0
    # Of a hundred calls that functions make to AWS, so many are refused.
    throttle_percent: int = 0
    # How many processes of each function are killed at most.
    kills: int = 0
    # So many invocations do not survive any attempt: their events end in the dead-letter queue.
    doomed: int = 0
    # How often each event is delivered.
    copies: int = 1


@dataclass
class Counts:
    """What happened since the start."""

    processes: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    # Of those, processes that worked on an event.
    killed_at_work: Counter[str] = field(default_factory=Counter)
    invocations: int = 0
    # Invocations that failed because their process was killed.
    died: int = 0
    retries: int = 0
    given_up: int = 0
    copies: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


@dataclass
class _Work:
    """An invocation that a process works on."""

    request_id: str
    killed: bool = False


class Day:
    """The plan, and what came of it."""

    def __init__(self) -> None:
        """A good day."""
        self._lock = threading.Lock()
        self._counts = Counts()
        self._usual: dict[tuple[str, bool], float] = {}
        self._work: dict[ProvidedWorker, _Work] = {}
        self._lives: dict[ProvidedWorker, int] = {}
        self._pending: set[str] = set()
        self._seen: set[str] = set()
        self.begin(Plan())

    def begin(self, plan: Plan) -> None:
        """Follow another plan from now on."""
        with self._lock:
            self._plan = plan
            self._kills: Counter[str] = Counter()
            self._doomed_left = plan.doomed
            self._doomed: set[str] = set()
            # Three rows of dice, so that one kind of trouble does not move the others.
            self._of_processes, self._of_calls, self._of_copies = (
                random.Random(f"{plan.seed} {kind}") for kind in ("processes", "calls", "copies")
            )

    def report(self) -> dict[str, Any]:
        """What happened so far, and how many asynchronous invocations wait or run."""
        with self._lock:
            counts = {
                name: dict(count) if isinstance(count, Counter) else count
                for name, count in vars(self._counts).items()
            }
            return {**counts, "pending": len(self._pending)}

    # ---- invocations

    def taken(self, request_id: str) -> None:
        """An asynchronous invocation was accepted."""
        with self._lock:
            self._pending.add(request_id)

    def attempted(self, request_id: str) -> None:
        """An attempt begins."""
        with self._lock:
            self._counts.invocations += 1
            if request_id in self._seen:
                self._counts.retries += 1
            elif request_id in self._pending and self._doomed_left and self._of_processes.random() < 0.1:
                self._doomed_left -= 1
                self._doomed.add(request_id)
            self._seen.add(request_id)

    def answered(self, request_id: str, failed: bool) -> None:
        """An attempt is over."""
        if not failed:
            with self._lock:
                self._pending.discard(request_id)

    def given_up(self, request_id: str | None) -> None:
        """The last attempt failed, and the event lies in the queue for it."""
        with self._lock:
            self._counts.given_up += 1
            self._pending.discard(request_id or "")

    # ---- processes

    def work(self, worker: ProvidedWorker, request_id: str, invoke) -> dict[str, Any]:
        """Carry an invocation out, and perhaps plan the death of its process."""
        name = worker.func_name
        cold = worker._proc is None or worker._proc.poll() is not None
        work, begun = _Work(request_id), time.monotonic()
        with self._lock:
            self._work[worker] = work
            if cold:
                self._counts.processes[name] += 1
                self._lives[worker] = self._of_processes.choice(_LIVES)
            self._lives[worker] = self._lives.get(worker, 1) - 1
            usual = self._usual.get((name, cold), _FIRST_GUESS[cold])
            share = self._of_processes.uniform(0, _LATEST)
            doomed = request_id in self._doomed
            fated = doomed or self._lives[worker] == 0
        if fated:
            # Half of the usual length is early enough to hit the doomed.
            delay = usual * min(share, 0.5) if doomed else usual * share
            threading.Thread(target=self._kill, args=(worker, cold, delay), daemon=True).start()
        answered = False
        try:
            result = invoke()
            answered = result.get("status") == "ok"
            return result
        finally:
            with self._lock:
                self._work.pop(worker, None)
                # A process may have answered just before it was killed.
                self._counts.died += work.killed and not answered
                if answered:
                    # The present length counts for a fifth.
                    self._usual[name, cold] = usual * 0.8 + (time.monotonic() - begun) * 0.2

    def _kill(self, worker: ProvidedWorker, cold: bool, delay: float) -> None:
        """Kill the process that has the worker's place after a while; wait for one that is only being started."""
        before = worker._proc if cold else None
        time.sleep(delay)
        for _ in range(100):
            process = worker._proc
            if process is not None and process is not before and process.poll() is None:
                break
            time.sleep(0.01)
        else:
            return
        with self._lock:
            if self._kills[worker.func_name] >= self._plan.kills:
                return
            self._kills[worker.func_name] += 1
            process.kill()
            self._counts.killed[worker.func_name] += 1
            work = self._work.get(worker)
            if work is not None:
                work.killed = True
                self._counts.killed_at_work[worker.func_name] += 1

    # ---- calls and events

    def refuses(self, service: str) -> bool:
        """Whether a function's call to a service is refused."""
        with self._lock:
            self._counts.calls[service] += 1
            refused = self._of_calls.randrange(100) < self._plan.throttle_percent
            self._counts.refused[service] += refused
            return refused

    def choice(self, options: list[Any]) -> Any:
        """One of several ways to refuse."""
        with self._lock:
            return self._of_calls.choice(options)

    def further_copies(self) -> list[float]:
        """How many seconds late each further copy of an event is delivered."""
        with self._lock:
            late = [self._of_copies.uniform(0, _SPREAD) for _ in range(self._plan.copies - 1)]
            self._counts.copies += len(late)
            return late


day = Day()


def mend_workers() -> None:
    """Let every invocation of ministack's `ProvidedWorker` pass through the day."""
    invoke = ProvidedWorker.invoke

    def through_the_day(self, event, request_id, **more):
        return day.work(self, request_id, lambda: invoke(self, event, request_id, **more))

    ProvidedWorker.invoke = through_the_day


def plan_of(members: Mapping[str, Any]) -> Plan:
    """The plan in a JSON object.

    Raises ValueError for a member that is unknown or no whole number.
    """
    unknown = set(members) - set(vars(Plan()))
    if unknown:
        raise ValueError(f"a plan has no {', '.join(sorted(unknown))}")
    for name, value in members.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"`{name}` has to be a whole number")
    return Plan(**members)
