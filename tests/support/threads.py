"""Threads of a test, and a writer that is kept busy."""

import functools
import threading

SOON = 30  # seconds after which a thread that has not ended counts as hanging


class Call(threading.Thread):
    """A call in its own thread. ``outcome()`` is its result, or the exception that it raised."""

    def __init__(self, call, *arguments):
        super().__init__(daemon=True)  # one that hangs fails its test and not the whole run
        self._call = functools.partial(call, *arguments)
        self.start()

    def run(self):
        try:
            self._outcome = self._call()
        except BaseException as error:
            self._outcome = error

    def outcome(self):
        self.join(SOON)
        assert not self.is_alive(), "it hangs"
        return self._outcome

    def result(self):
        outcome = self.outcome()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def in_threads(number, work):
    """The results of ``work(n)`` in that many threads, which start at the same time."""
    start = threading.Barrier(number)

    def run(n):
        start.wait(SOON)
        return work(n)

    calls = [Call(run, n) for n in range(number)]
    return [call.result() for call in calls]


class Held:
    """A write that keeps the writer busy while the ``with`` block runs, as a stuck disk does."""

    def __init__(self, writer):
        self.writer = writer
        self._runs, self._released = threading.Event(), threading.Event()
        self.call = self.queue(self._work)

    def _work(self, connection):
        self._runs.set()
        assert self._released.wait(SOON)
        return "held"

    def __enter__(self):
        assert self._runs.wait(SOON)
        return self

    def __exit__(self, *_):
        self._released.set()
        if _[0] is None:
            self.call.join(SOON)

    def queue(self, work):
        """Queue a write, and wait for it in a thread."""
        return Call(self.writer.submit(work).result)
