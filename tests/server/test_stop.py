"""The stop: open requests are finished, however slow, no write is lost, and then the process ends."""

import io
import signal
import time

import pytest
from support.files import write_lock
from support.sockets import (
    BODY,
    LARGE_ANSWER,
    LARGE_PAGE,
    closes,
    connect,
    fill_with_large_clients,
    read_answer,
    read_statuses,
    request,
)
from support.target import check_health, target_in

SLOW = 0.3  # seconds
IMPATIENT = "from acare import server; server.PATIENCE = 0.2"


@pytest.fixture
def database(tmp_path):
    return tmp_path / "served.db"


# --- open requests are finished


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_with_exit_code_0_and_one_file(tmp_path, database, number):
    """Though a connection without a request is open."""
    with target_in(tmp_path, before=IMPATIENT) as server, connect(server.address):
        assert server.is_well()
        server.process.send_signal(number)
        assert server.process.wait(10) == 0
    assert {path.name for path in database.parent.iterdir()} == {database.name, "server.log"}


def test_nohup_keeps_it_when_the_terminal_closes(tmp_path):
    with target_in(tmp_path, prefix=("nohup",)) as server, connect(server.address) as raw:
        server.process.send_signal(signal.SIGHUP)
        check_health(raw)
        check_health(raw)  # a server that stops would have closed the connection


def test_sigint_stops_it_also_in_the_background_of_a_script(tmp_path):
    with target_in(tmp_path, prefix=("sh", "-c", 'trap "" INT; exec "$@"', "sh")) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 0


def test_slow_writes_and_slow_readers_are_waited_for(tmp_path, database):
    fill_with_large_clients(database)
    with (
        target_in(tmp_path, "--drain-seconds", "8") as server,
        write_lock(database) as lock,
        connect(server.address) as writing,
        connect(server.address, receive_buffer=32 * 1024) as reading,
    ):
        writing.sendall(request(server.key, "POST", body=BODY))
        reading.sendall(request(server.key, path=LARGE_PAGE))
        answer = reading.recv(1)
        server.stop()
        with pytest.raises(ConnectionRefusedError):  # no new connection is taken
            connect(server.address)
        answer += read_slowly(reading, LARGE_ANSWER // 2)
        lock.close()
        answer += read_slowly(reading, LARGE_ANSWER)
        assert len(answer) > LARGE_ANSWER
        assert len(read_answer(io.BytesIO(answer))[2]["data"]["clients"]) == 100
        with writing.makefile("rb") as stream:
            assert read_answer(stream)[0] == 201
        assert server.process.wait(10) == 0


def read_slowly(raw, size):
    """So many bytes or all that come; a LARGE_ANSWER takes more than SLOW seconds."""
    pieces = []
    while size > 0 and (piece := raw.recv(64 * 1024)):
        pieces.append(piece)
        size -= len(piece)
        time.sleep(SLOW * len(piece) / LARGE_ANSWER)
    return b"".join(pieces)


def test_pipelined_requests_are_answered_and_readyz_is_503(tmp_path, database):
    with (
        target_in(tmp_path) as server,
        write_lock(database) as lock,
        connect(server.address) as raw,
        raw.makefile("rb") as stream,
    ):
        raw.sendall(request(server.key, "POST", body=BODY) + request(server.key, path="/readyz"))
        assert server.is_well()
        server.stop()
        lock.close()
        assert read_answer(stream)[0] == 201
        status, headers, answer = read_answer(stream)
        assert (status, headers["Connection"].lower()) == (503, "close")
        assert answer["error"]["details"]["checks"]["server"] != "ok"
        assert server.process.wait(10) == 0


# --- what does not finish is not waited for


def test_all_who_have_connected_before_the_stop_are_answered(tmp_path):
    """In a server that has not accepted them by then."""
    before = "from acare import server; server.Server.readable = lambda server: server.stopping"
    with target_in(tmp_path, before=before) as server:
        waiting = [connect(server.address) for _ in range(400)]
        for raw in waiting:
            raw.sendall(request(server.key) + request(server.key, path="/healthz"))
        server.process.terminate()
        for raw in waiting:
            with raw:
                assert read_statuses(raw) == [200, 200]
        assert server.process.wait(10) == 0


def test_a_request_that_trickles_is_dropped_and_leaves_no_log(tmp_path, database):
    with (
        target_in(tmp_path, before=IMPATIENT) as server,
        write_lock(database) as lock,
        connect(server.address) as writing,
        connect(server.address) as raw,
    ):
        writing.sendall(request(server.key, "POST", body=BODY) + request(server.key, path="/healthz"))
        raw.sendall(request(server.key)[:20])
        assert server.is_well()
        server.stop()
        assert closes(raw, sending=b"x" * 1000)
        lock.close()
        assert read_statuses(writing) == [201, 200]  # both had arrived
        assert server.process.wait(10) == 0
    assert {path.name for path in database.parent.iterdir()} == {database.name, "server.log"}


def test_the_drain_ends_after_its_seconds(tmp_path, database):
    """Although a write is not finished and an answer is not read."""
    fill_with_large_clients(database)
    with (
        target_in(tmp_path, "--drain-seconds", "1") as server,
        write_lock(database),
        connect(server.address) as writing,
        connect(server.address, receive_buffer=4096) as reading,
    ):
        writing.sendall(request(server.key, "POST", body=BODY))
        reading.sendall(request(server.key, path=LARGE_PAGE))
        assert reading.recv(1)
        server.stop()
        assert server.process.wait(4) == 0


def test_a_second_signal_ends_it_at_once(tmp_path, database):
    with target_in(tmp_path) as server, write_lock(database), connect(server.address) as raw:
        raw.sendall(request(server.key, "POST", body=BODY))
        assert server.is_well()
        server.stop()
        server.process.send_signal(signal.SIGHUP)  # closing a terminal can send several
        assert server.process.poll() is None
        server.process.terminate()
        assert server.process.wait(10) == -signal.SIGTERM
