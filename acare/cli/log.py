"""Log lines on stderr: text, or one JSON object each."""

import json
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from acare import timestamps
from acare.api.access_log import AccessRecord, text_line

#: Bytes of log lines that are kept while stderr is not being read.
MAX_KEPT = 4 * 1024 * 1024

_STDERR = 2  # descriptor
_PAUSE = 0.05  # seconds


class Formatter(logging.Formatter):
    """Lines of text, which begin with the time, or JSON objects with ``time``, ``level`` and ``logger``."""

    def __init__(self, log_format: str) -> None:
        super().__init__()
        self._is_json = log_format == "json"

    def format(self, record: logging.LogRecord) -> str:
        time, text = timestamps.at(int(record.created * 1e9)), super().format(record)
        if not self._is_json:
            return f"{time} {text}"
        level = record.levelname.lower()
        return _json({"time": time, "level": level, "logger": record.name, "message": text})

    def format_access(self, record: AccessRecord) -> str:
        """A line of the access log."""
        now = timestamps.now()
        if not self._is_json:
            return f"{now} {text_line(record)}"
        members = {**record._asdict(), "milliseconds": round(record.milliseconds, 1)}
        return _json({"time": now, "level": "info", "logger": "acare.access", **members})


def _json(members: dict[str, object]) -> str:
    return json.dumps(members, ensure_ascii=False)


class LogHandler(logging.Handler):
    """Writes lines to stderr in its own thread, about 20 times a second.

    No request waits for the reader of the log. While that reader is stalled, the last ``MAX_KEPT`` bytes are
    kept, and older lines are dropped. (logging's own QueueHandler, or a lock for each line, would slow
    requests down.)
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acare-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        self.write(self.format(record))

    def write(self, line: str) -> None:
        """Queue a line."""
        self._lines.append(f"{line}\n")

    def close(self) -> None:
        """Write the remaining lines, for at most a second. ``logging.shutdown`` calls it too."""
        self._closing.set()
        self._thread.join(1)
        super().close()

    def _run(self) -> None:
        kept = bytearray()
        while not self._closing.wait(_PAUSE) or self._lines or kept:
            text = "".join(self._lines.popleft() for _ in range(len(self._lines)))
            kept += text.encode("utf-8", "backslashreplace")
            if len(kept) > MAX_KEPT:  # the first line may have been written in part
                del kept[kept.index(b"\n") + 1 : kept.index(b"\n", -MAX_KEPT) + 1]
            try:
                while kept and select.select([], [_STDERR], [], _PAUSE)[1]:
                    del kept[: os.write(_STDERR, kept[: select.PIPE_BUF])]  # more could wait for the reader
            except OSError:  # a log that cannot be written does not stop the server
                kept.clear()


@contextmanager
def configured(log_format: str) -> Iterator[Callable[[AccessRecord], None]]:
    """Send all log lines of the process to stderr for the duration of the ``with``; yields the access log."""
    formatter = Formatter(log_format)
    with closing(LogHandler()) as handler:
        handler.setFormatter(formatter)
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        logging.captureWarnings(True)
        yield lambda record: handler.write(formatter.format_access(record))
