"""What callers and proxies see of a stop: answers that end their connection, and a delay before it."""

from support.sockets import BODY, connect, read_answer, request


def test_an_answer_during_the_drain_ends_its_connection(stopping):
    with stopping() as server, connect(server.address) as raw, raw.makefile("rb") as stream:
        sent = request(server.key, "POST", "/v1/clients", BODY)
        raw.sendall(sent[:-5])
        server.ask()
        server.stop()
        raw.sendall(sent[-5:])
        status, headers, _ = read_answer(stream)
        assert (status, headers["Connection"], stream.read()) == (201, "close", b"")


def test_during_the_delay_requests_are_answered_but_not_readyz(stopping):
    with (
        stopping("--stop-delay", "1") as server,
        connect(server.address) as raw,
        raw.makefile("rb") as stream,
    ):
        assert server.ask("GET", "/readyz")[0] == 200
        server.stop()
        status, headers, answer = server.ask("GET", "/readyz")
        assert (status, answer["error"]["details"]["checks"]["server"]) == (503, "The server is stopping.")
        assert server.ask("POST", "/v1/clients", BODY)[0] == 201
        raw.sendall(request(server.key))  # over a connection that was there before
        status, headers, _ = read_answer(stream)
        assert (status, headers["Connection"]) == (200, "close")
        assert server.seconds_to_the_end() >= 1


def test_a_second_signal_ends_the_delay(stopping):
    with stopping("--stop-delay", "60") as server:
        server.stop()
        server.process.terminate()
        assert server.process.wait(5) == 128 + 15
