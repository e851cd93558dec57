"""``acare demo``: its clients, and the removal of its files (.ci/run has the commands that it prints)."""

import datetime
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


def test_the_invented_clients_are_valid_and_no_persons(demo):
    server = demo()
    pages = [ask(server, path=f"/v1/clients?limit=100&page={page}")[1] for page in (1, 2)]
    clients = [client for page in pages for client in page["data"]["clients"]]
    assert len(clients) == 120
    for client in clients:
        validate_create(client)  # or it raises InvalidInput
        assert re.search(r"[.@]example(\.com|\.org|\.net)?$", client["email"])
        assert re.search(r"\b555.01\d\d$", client["phone"])


def test_follow_ups_are_overdue_today_and_later(demo):
    server, today = demo(), datetime.date.today()
    yesterday = today - datetime.timedelta(1)
    totals = [
        ask(server, path=f"/v1/clients?due={day}&limit=1")[1]["data"]["meta"]["total"]
        for day in (yesterday, today, "any")
    ]
    assert totals == [3, 7, 13]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_stopped_demo_leaves_no_file(demo, temporary, tmp_path, monkeypatch, number):
    monkeypatch.setenv("ACARE_DATABASE", str(tmp_path / "mine.db"))
    server = demo()
    assert [path.name.startswith("acare-demo-") for path in temporary.iterdir()] == [True]
    server.process.send_signal(number)
    assert server.process.wait(timeout=10) == 0
    assert list(temporary.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"temporary", "server.log"}
