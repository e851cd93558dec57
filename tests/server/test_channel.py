"""A connection within the server's loop: what is held until it is sent, and when that is."""

import errno
import select
import socket
import tempfile
import threading
from collections import deque
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from acare.server.channel import REQUEST_SECONDS, Channel
from acare.server.dispatcher import TOGETHER, Dispatcher
from acare.server.server import Server, _TcpServer

REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.fixture
def dispatcher():
    made = Dispatcher(threads=0)
    yield made
    made.shutdown()


@pytest.fixture
def connect(dispatcher):
    """Makes a connection to an app; returns the server's end of it and the caller's."""
    with ExitStack() as stack:

        def make(app=None):
            ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
            server = SimpleNamespace(
                task_dispatcher=dispatcher,
                add_task=dispatcher.add_task,
                pull_trigger=lambda: None,
                active_channels={},
                adj=Adjustments(),
                application=app,
                write_access=lambda access: None,
                effective_host="a.example",
                effective_port=80,
                server_name="a.example",
            )
            connection = Channel(server, ours, ("127.0.0.1", 1), server.adj, map={})
            stack.callback(connection.handle_close)
            return connection, theirs

        yield make


def has_news(caller):
    return bool(select.select([caller], [], [], 0)[0])


def test_answers_to_reads_leave_together_but_not_too_many_at_a_time(connect, dispatcher):
    callers, gone = [], []

    def app(environ, start_response):
        gone.append(sum(map(has_news, callers)))
        start_response("200 OK", [("content-length", "2")])
        return [b"{}"]

    for _ in range(TOGETHER + 1):
        connection, caller = connect(app)
        callers.append(caller)
        connection.received(REQUEST)
    dispatcher.answer()
    assert gone == [0] * TOGETHER + [TOGETHER]
    assert all(map(has_news, callers))


def test_what_is_held_is_sent_whole_and_in_order(connect, dispatcher):
    connection, caller = connect()
    for piece in (b"one ", b"two ", b"three"):
        connection.write_soon(piece)
    assert not has_news(caller)
    dispatcher.answer()
    assert caller.recv(100) == b"one two three"


def test_what_waitress_refuses_is_held_in_one_piece(connect):
    connection, _ = connect()
    connection.received(b"nonsense\r\n\r\n")
    connection.service()
    assert [piece.partition(b" ")[2][:3] for piece in connection.held] == [b"400"]


def test_what_the_socket_does_not_take_is_sent_later_and_before_what_follows(connect, dispatcher):
    connection, caller = connect()
    large = b"x" * 10_000_000
    connection.write_soon(large)
    dispatcher.answer()
    received = caller.recv(1_000_000)  # so that the socket would take more
    connection.write_soon(b"y")
    dispatcher.answer()
    while len(received) <= len(large):
        connection.handle_write()
        received += caller.recv(1_000_000)
    assert received == large + b"y"


def test_a_large_answer_that_nobody_takes_does_not_hold_up_the_loop(connect, dispatcher):
    connection, _ = connect()
    for piece in (b"x" * 2 * connection.adj.outbuf_high_watermark, b"y"):
        connection.write_soon(piece)
    loop = threading.Thread(target=dispatcher.answer, daemon=True)
    loop.start()
    loop.join(5)
    assert not loop.is_alive()


def test_no_room_for_what_is_not_taken_ends_that_connection_alone(
    connect, dispatcher, monkeypatch, tmp_path, caplog
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    greedy, other = connect(), connect()
    greedy[0].write_soon(b"x" * 10_000_000)
    greedy[0].write_soon(b"more")
    other[0].write_soon(b"yes")
    dispatcher.answer()
    assert other[1].recv(100) == b"yes"
    assert (greedy[0].connected, greedy[0].is_idle(), dispatcher.unsent) == (False, True, deque())
    (line,) = caplog.messages
    assert line.startswith("closing a connection: no room for what its caller does not take: [Errno 2] ")


def test_a_connection_that_is_broken_is_closed_and_no_room_is_not_said_to_lack(
    connect, dispatcher, monkeypatch, caplog
):
    def send(data, do_close):
        raise OSError(errno.ETIMEDOUT, "timed out")

    connection, _ = connect()
    connection.adj.log_socket_errors = False
    monkeypatch.setattr(connection, "send", send)
    connection.write_soon(b"yes")
    dispatcher.answer()
    connection.handle_write()
    assert (connection.connected, caplog.messages) == (False, [])


def test_a_caller_who_ends_his_side_has_his_answer_first(connect, dispatcher):
    connection, caller = connect()
    connection.write_soon(b"yes")
    caller.shutdown(socket.SHUT_WR)
    connection.handle_read()
    dispatcher.answer()
    assert caller.recv(100) == b"yes"
    connection.handle_read()
    assert not connection.connected


def test_the_last_answer_is_not_cut_off_by_the_close_after_it(connect, dispatcher):
    connection, caller = connect()
    connection.write_soon(b"the last")
    connection.close_when_flushed = True
    connection.handle_write()
    dispatcher.answer()
    connection.handle_write()
    assert (caller.recv(100), caller.recv(100)) == (b"the last", b"")


def test_a_request_that_has_begun_is_not_slow_while_the_answer_before_is_held(connect, dispatcher):
    connection, _ = connect()
    connection.received(REQUEST[:-2])
    connection.request_began -= REQUEST_SECONDS + 1
    assert connection.is_slow()
    connection.write_soon(b"not yet sent")
    assert not connection.is_slow()
    dispatcher.answer()


def test_a_connection_is_not_idle_while_something_is_held(connect, dispatcher):
    connection, _ = connect()
    assert connection.is_idle()
    connection.write_soon(b"not yet sent")
    assert not connection.is_idle()
    dispatcher.answer()
    assert connection.is_idle()


def test_what_is_held_for_a_caller_who_has_gone_is_dropped(connect, dispatcher):
    connection, _ = connect()
    connection.write_soon(b"too late")
    connection.handle_close()
    dispatcher.answer()
    assert not connection.held


def test_the_next_request_of_a_caller_waits_until_the_answer_before_is_sent(connect, dispatcher):
    calls = []

    def app(environ, start_response):
        calls.append(environ)
        start_response("200 OK", [("content-length", "10000000")])
        return [b"x" * 10_000_000]

    connection, caller = connect(app)
    connection.received(REQUEST * 2)
    dispatcher.answer()
    assert len(calls) == 1
    while connection.total_outbufs_len:
        caller.recv(1_000_000)
        connection.handle_write()
    dispatcher.answer()
    assert len(calls) == 2


def test_what_a_thread_leaves_while_the_loop_answers_wakes_it_again(monkeypatch):
    woken = []
    monkeypatch.setattr(TcpWSGIServer, "pull_trigger", lambda self: woken.append("again"))
    monkeypatch.setattr(wasyncore, "poll", lambda seconds, sockets: None)
    server = Server.__new__(Server)
    server._access = None
    server._sockets = {0: None}
    server._server = _TcpServer.__new__(_TcpServer)
    server._server.loop = -1  # the loop is another thread than this
    server._server.woken = True
    server._dispatcher = SimpleNamespace(answer=server._server.pull_trigger)
    server._turn(0)
    assert woken == ["again"]


@pytest.mark.parametrize(
    ("limit", "taken"),
    [(100, 20), (12, 10)],  # the listener and the trigger count too
)
def test_all_who_have_come_are_taken_at_once_unless_there_are_too_many(dispatcher, limit, taken):
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = _TcpServer(
            None,
            {},
            _start=False,
            _sock=listener,
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
            dispatcher=dispatcher,
            adj=Adjustments(connection_limit=limit),
        )
        stack.callback(server.close)
        server.accept_connections()
        for _ in range(20):
            stack.enter_context(socket.create_connection(listener.getsockname()))
        server.handle_accept()
        connections = [*server.active_channels.values()]
        for connection in connections:
            connection.handle_close()
        assert len(connections) == taken
