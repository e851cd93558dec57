"""Log lines on stderr: text, or one JSON object each."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from acare import timestamps
from acare.api.access_log import AccessRecord, json_line, text_line

#: Log lines that are kept while stderr is not being read.
MAX_LINES = 10_000

_FLUSH_SECONDS = 0.05


class TextFormatter(logging.Formatter):
    """``2026-07-15T14:32:10.000Z`` and the message."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")


class JsonFormatter(TextFormatter):
    """``{"time", "level", "logger", "message", "traceback"?}``"""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def as_json_line(message: str, traceback: str | None = None) -> str:
    """An error as a line of the JSON log, for code that runs before or after the log does."""
    line = {"time": timestamps.now(), "level": "error", "logger": "acare", "message": message}
    if traceback is not None:
        line["traceback"] = traceback
    return json.dumps(line, ensure_ascii=False) + "\n"


class LogWriter(logging.Handler):
    """Writes log lines to a file descriptor in its own thread, about 20 times a second.

    No request waits for the reader of the log. While that reader is stalled, up to ``MAX_LINES`` are kept,
    further lines are dropped, and their number is logged afterwards.
    """

    def __init__(self, descriptor: int, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._descriptor = descriptor
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._closing = False
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acare-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        self.put(self.format(record) + "\n")

    def put(self, line: str) -> None:
        """Queue a line, which must end with a line break."""
        if len(self._lines) >= MAX_LINES:
            self._dropped += 1
            return
        self._lines.append(line)
        if not self._news.is_set():
            self._news.set()

    def close(self) -> None:
        """Write the remaining lines, for at most a second. ``logging.shutdown`` calls this too."""
        self._closing = True
        self._news.set()
        self._thread.join(1)
        super().close()

    def _run(self) -> None:
        while not self._closing or self._lines:
            self._news.wait()
            if not self._closing:
                time.sleep(_FLUSH_SECONDS)
            self._news.clear()
            with suppress(OSError):  # a log that cannot be written does not stop the server
                self._write()

    def _write(self) -> None:
        text = "".join(self._lines.popleft() for _ in range(len(self._lines)))
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            message = f"{dropped} log lines were dropped because stderr was not read"
            text += self.format(logging.LogRecord("acare.server", logging.WARNING, "", 0, message, (), None))
            text += "\n"
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(self._descriptor, data) :]


def access_as_text(now: int, line: AccessRecord) -> str:
    return f"{timestamps.at(now)} {text_line(line)}\n"


def access_as_json(now: int, line: AccessRecord) -> str:
    return f"{json_line(line, timestamps.at(now))}\n"


@contextmanager
def configured(log_format: str, descriptor: int = 2) -> Iterator[Callable[[AccessRecord], None]]:
    """Send all log lines of the process to stderr for the duration of the ``with``; yields the access log."""
    is_json = log_format == "json"
    access_line = access_as_json if is_json else access_as_text
    writer = LogWriter(descriptor, JsonFormatter() if is_json else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[writer], force=True)
    logging.captureWarnings(True)
    try:
        yield lambda line: writer.put(access_line(time.time_ns(), line))
    finally:
        writer.close()
