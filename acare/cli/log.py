"""Log lines on stderr: text, or one JSON object each."""

import json
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

from acare import timestamps
from acare.api.access_log import AccessRecord, text_line

#: Bytes of log lines that are kept while stderr is not being read.
MAX_KEPT = 4 * 1024 * 1024

_STDERR = 2  # descriptor
_PAUSE = 0.05  # seconds


class Formatter(logging.Formatter):
    """Time and message, or a JSON object with ``time``, ``level``, ``logger``, ``message``, ``traceback``."""

    def __init__(self, log_format: str) -> None:
        super().__init__()
        self._is_json = log_format == "json"

    def format(self, record: logging.LogRecord) -> str:
        time = timestamps.at(int(record.created * 1e9))
        if not self._is_json:
            return f"{time} {super().format(record)}"
        members: dict[str, object] = {"message": record.getMessage()}
        if record.exc_info:
            members["traceback"] = self.formatException(record.exc_info)
        return json_line(time, record.levelname.lower(), record.name, members)


def json_line(time: str, level: str, logger: str, members: Mapping[str, object]) -> str:
    """A line as a JSON object: ``time``, ``level`` and ``logger``, and the other members."""
    return json.dumps({"time": time, "level": level, "logger": logger, **members}, ensure_ascii=False)


class LogStream:
    """Writes lines to stderr in its own thread, about 20 times a second.

    No request waits for the reader of the log. While that reader is stalled, the last ``MAX_KEPT`` bytes are
    kept, and older lines are dropped. (logging's own QueueHandler, or a lock for each line, would slow
    requests down.)
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acare-log", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Queue a line, which must end with a line break."""
        self._lines.append(line)

    def close(self) -> None:
        """Write the remaining lines, for at most a second."""
        self._closing.set()
        self._thread.join(1)

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


class LogHandler(logging.StreamHandler[LogStream]):
    """Writes the remaining lines when it is closed, also by ``logging.shutdown``."""

    def close(self) -> None:
        self.stream.close()
        super().close()


@contextmanager
def configured(log_format: str) -> Iterator[Callable[[AccessRecord], None]]:
    """Send all log lines of the process to stderr for the duration of the ``with``; yields the access log."""
    stream = LogStream()
    handler = LogHandler(stream)
    handler.setFormatter(Formatter(log_format))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)

    def write(record: AccessRecord) -> None:
        now = timestamps.now()
        if log_format == "text":
            line = f"{now} {text_line(record)}"
        else:
            members = {**record._asdict(), "milliseconds": round(record.milliseconds, 1)}
            line = json_line(now, "info", "acare.access", members)
        stream.write(f"{line}\n")

    with closing(handler):
        yield write
