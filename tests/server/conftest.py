"""A server that several attacks in a row are tried on, and servers that are stopped."""

import signal
from contextlib import ExitStack, contextmanager

import pytest
from support.server import make_key, serving
from support.sockets import connect, read_answer, request, wait_for
from support.target import target_in


@pytest.fixture(scope="module")
def _targets(tmp_path_factory):
    """Gives the server of this module; a new one if an attack has harmed it."""
    running = []
    with ExitStack() as stack:

        def give():
            if not (running and running[-1].is_well()):
                stack.close()  # the one before
                folder = tmp_path_factory.mktemp("target")
                running.append(stack.enter_context(target_in(folder, "--trusted-proxy", "127.0.0.1")))
            return running[-1]

        yield give


@pytest.fixture
def target(_targets):
    return _targets()


class Stopping:
    """A running server that is to be stopped."""

    def __init__(self, database, process, address, key):
        self.database, self.process, self.address, self.key = database, process, address, key
        self._log = database.with_name("server.log")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self):
        """Send SIGTERM, and wait until the server says that it stops."""
        self.signal()
        wait_for(lambda: "stopping" in self.log())

    def log(self):
        return self._log.read_text(encoding="utf-8")

    def exit_code(self, within=10):
        return self.process.wait(timeout=within)

    def ask(self, method="GET", path="/healthz", body=b""):
        """The answer to a new connection. By then, the server has read all that was sent before."""
        with connect(self.address) as raw, raw.makefile("rb") as stream:
            raw.sendall(request(self.key, method, path, body))
            return read_answer(stream)


@pytest.fixture
def database(tmp_path):
    return tmp_path / "served.db"


@pytest.fixture
def stopping(database):
    """Starts a server on the database, with these options."""

    @contextmanager
    def run(*options, **more):
        key = make_key(database)
        with serving(database, *options, **more) as (process, address):
            yield Stopping(database, process, address, key)

    return run
