"""A folder in which everything that servers and commands do to its files is recorded."""

import functools
import http.client
import math
import os
import random
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from powercut.disk import Disk, Event
from support.crash import GONE, Killed, Writer
from support.server import command, make_key, serving

WRITES = 40  # of each writer
SYNC_MICROSECONDS = 1000  # so that some instants fall into a sync

_HEADER = struct.Struct("=QQQQIIII")  # struct record


def build_recorder(folder: Path) -> Path:
    """Build the library that is preloaded."""
    library = folder / "recorder.so"
    source = Path(__file__).with_name("recorder.c")
    flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["gcc", *flags, "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


@dataclass(frozen=True)
class Step:
    """A command that ran. If it failed, its end is unknown: infinity."""

    begun: int
    ended: float
    printed: str

    def is_done(self, instant: int) -> bool:
        return self.ended <= instant


@dataclass
class Recording:
    """What was done in a folder, and what was known of it at each instant."""

    place: Path
    recorder: Path
    failing_syncs: int = 0  # one in so many
    fail_on: str = "-wal"  # the end of the path of the file whose syncs fail
    key: str = ""
    writers: list[Writer] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)  # by what they did: "backup"
    before: dict[str, object] = field(default_factory=dict)  # what a scenario keeps for its check
    begun: int = 0

    def __post_init__(self) -> None:
        self.folder = self.place.resolve() / "disk"
        self.folder.mkdir()
        self.database = self.folder / "served.db"
        self.records = self.place / "records"
        self.records.mkdir()

    def begin(self) -> None:
        """From here on everything is recorded. What there is by now is on the disk for sure."""
        for path in self.records.iterdir():
            path.unlink()
        self.disk = Disk(self.folder, random.Random(0))
        self.begun = time.monotonic_ns()

    def make_key(self) -> None:
        self.key = make_key(self.database)

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "LD_PRELOAD": str(self.recorder),
            "RECORD_FOLDER": str(self.folder),
            "RECORD_TO": str(self.records),
            "RECORD_DELAY": str(SYNC_MICROSECONDS),
            "RECORD_FAIL": str(self.failing_syncs),
            "RECORD_FAIL_ON": self.fail_on,
        }

    @contextmanager
    def serving(self, before: str = "", end: int = signal.SIGTERM) -> Iterator[str]:
        """A server, by its address. It is stopped at the end, or gets another signal."""
        with serving(self.database, before=before, env=self.env) as (process, address):
            yield address
            process.send_signal(end)
            process.wait(timeout=30)

    def run(self, name: str, *arguments: object) -> Step:
        """Run a command of acare to its end."""
        line = command(*arguments, "--database", self.database)
        begun = time.monotonic_ns()
        done = subprocess.run(line, env=self.env, capture_output=True, text=True, timeout=60)
        ended = time.monotonic_ns() if done.returncode == 0 else math.inf
        self.steps[name] = Step(begun, ended, done.stdout + done.stderr)
        return self.steps[name]

    @contextmanager
    def writing(
        self, addresses: list[str], writers: int = 4, times: int = WRITES, on_refusal: str = "repeat"
    ) -> Iterator[None]:
        """Writers at work on these servers in turn, until all have written; the commands beside go inside.

        If syncs fail, writers repeat what is refused, or ``"stop"``.
        """
        threads = []
        for number in range(writers):
            writer = Writer(len(self.writers), self.key)
            writer.repeats = bool(self.failing_syncs) and on_refusal == "repeat"
            writer.stops = on_refusal == "stop"
            self.writers.append(writer)
            arguments = (addresses[number % len(addresses)], times)
            threads.append(threading.Thread(target=writer.write_times, args=arguments))
            threads[-1].start()
        yield
        for thread in threads:
            thread.join()

    def create_victims(self, address: str, count: int) -> list[str]:
        """Clients of the operator's own, that no writer changes; their names."""
        self.operator = Writer(len(self.writers), self.key)
        self.writers.append(self.operator)
        names = [f"victim-{number}" for number in range(count)]
        with closing(http.client.HTTPConnection(address, timeout=10)) as connection, suppress(Killed):
            for name in names:
                self.operator.create(functools.partial(self.operator.ask, connection), name)
        return names

    def erase(self, name: str) -> None:
        known = self.operator.known[name]
        self.operator.know(name, replace(known, versions=known.versions | {GONE}))
        step = self.run(f"erase {name}", "erase", "--yes", known.record["id"])
        if step.is_done(time.monotonic_ns()):
            self.operator.know(name, replace(known, versions=frozenset({GONE}), erased=True))

    def has_key(self, instant: int) -> bool:
        return "key" not in self.steps or self.steps["key"].is_done(instant)

    @functools.cached_property
    def events(self) -> list[Event]:
        """All that was recorded, when all is over."""
        return read_events(self.records)

    def acknowledged(self) -> int:
        return sum(writer.acknowledged for writer in self.writers)

    def instants(self) -> list[int]:
        """The instants of all acknowledgements since the recording began."""
        answered = [instant for writer in self.writers for instant, _, _ in writer.journal]
        ended = [int(step.ended) for step in self.steps.values() if step.ended != math.inf]
        return sorted(instant for instant in answered + ended if instant >= self.begun)


def read_events(folder: Path) -> list[Event]:
    """All recorded events in the order of their ends, except writes to -shm files."""
    events = [event for path in folder.iterdir() for event in _read_records(path.read_bytes())]
    shared_memory = {event.inode for event in events if event.path.endswith("-shm")} - {0}
    events = [event for event in events if event.path or event.inode not in shared_memory]
    return sorted(events, key=lambda event: event.ended)


def _read_records(content: bytes) -> Iterator[Event]:
    at = 0
    while at + _HEADER.size <= len(content):
        *numbers, path_length, content_length = _HEADER.unpack_from(content, at)
        path_at = at + _HEADER.size
        content_at = path_at + path_length
        at = content_at + content_length
        if at <= len(content):  # else the process was killed
            yield Event(*numbers, content[path_at:content_at].decode(), content[content_at:at])
