"""``acare demo``: its clients, and the removal of its files (.ci/run has the commands that it prints)."""

import re
import signal

import pytest
from support.http import ask

from acare.fields import validate_create


@pytest.fixture
def temporary(tmp_path):
    """An empty folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def demo(start, temporary):
    return lambda *arguments: start(*arguments, command="demo", env={"TMPDIR": str(temporary)})


def clients_of(server):
    """The clients of three pages of 100."""
    pages = [ask(server, path=f"/v1/clients?limit=100&page={page}")[1] for page in (1, 2, 3)]
    return [client for page in pages for client in page["data"]["clients"]]


def test_the_invented_clients_are_valid_and_no_persons(demo):
    clients = clients_of(demo())
    assert len(clients) == 250
    for client in clients:
        validate_create(client)  # or it raises InvalidInput
        assert re.fullmatch(r"[a-z.]+\.\d+@example\.com", client["email"])
        assert re.fullmatch(r"\(\d{3}\) 555-01\d\d", client["phone"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_stopped_demo_leaves_no_file(demo, temporary, tmp_path, monkeypatch, number):
    monkeypatch.setenv("ACARE_DATABASE", str(tmp_path / "mine.db"))
    server = demo()
    assert [path.name.startswith("acare-demo-") for path in temporary.iterdir()] == [True]
    server.process.send_signal(number)
    assert server.process.wait(timeout=10) == 0
    assert list(temporary.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"temporary", "server.log"}
