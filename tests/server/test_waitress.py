"""waitress has the names that the server uses or overrides."""

import ast
import inspect
from pathlib import Path

import pytest
import waitress.adjustments
import waitress.channel
import waitress.parser
import waitress.receiver
import waitress.task
import waitress.trigger
import waitress.utilities
from waitress import wasyncore

from acare.server import channel, listener, parser, response, server, sockets

OVERRIDES = {
    channel.Channel: {
        "__init__": ["self", "server", "sock", "addr", "adj", "map"],
        "readable": ["self"],
        "writable": ["self"],
        "received": ["self", "data"],
        "write_soon": ["self", "data"],
        "handle_expt": ["self"],
    },
    parser.Parser: {"received": ["self", "data"], "parse_header": ["self", "header_plus"]},
    parser.Chunks: {"received": ["self", "s"]},
    response.AppTask: {"execute": ["self"], "build_response_header": ["self"]},
    response.ErrorTask: {"execute": ["self"]},
    sockets._Trigger: {"handle_error": ["self"]},
    listener.Listener: {
        "__init__": ["self", "sock", "map"],
        "readable": ["self"],
        "writable": ["self"],
        "handle_accept": ["self"],
        "handle_error": ["self"],
    },
}


def own_methods(kind):
    """Methods that a class defines and that its base in waitress has too."""
    (base,) = kind.__bases__
    return {name for name, value in vars(kind).items() if inspect.isfunction(value) and hasattr(base, name)}


@pytest.mark.parametrize("kind", OVERRIDES, ids=lambda kind: kind.__name__)
def test_waitress_has_what_is_overridden(kind):
    (base,) = kind.__bases__
    assert base.__module__.startswith("waitress.")
    assert own_methods(kind) == OVERRIDES[kind].keys()
    found = {name: list(inspect.signature(getattr(base, name)).parameters) for name in OVERRIDES[kind]}
    assert found == OVERRIDES[kind]


USED = {
    waitress.channel.HTTPChannel: [
        "adj", "cancel", "close_when_flushed", "connected", "handle_close", "handle_error", "request",
        "send", "send_continue", "sent_continue", "service", "total_outbufs_len", "will_close",
        "task_class", "error_task_class", "parser_class",
    ],
    waitress.parser.HTTPRequestParser: [
        "body_rcv", "chunked", "completed", "content_length", "empty", "error", "expect_continue",
        "header_plus", "headers_finished", "version",
    ],
    waitress.receiver.ChunkedReceiver: [
        "all_chunks_received", "chunk_remainder", "completed", "control_line", "error",
    ],
    waitress.task.WSGITask: [
        "close_on_finish", "complete", "content_bytes_written", "content_length", "get_environment",
        "has_body", "set_close_on_finish", "start_time", "status", "version", "write", "wrote_header",
    ],
    waitress.trigger.trigger: ["pull_trigger"],
    wasyncore.dispatcher: ["accept", "accepting", "close"],
}  # fmt: skip


def attributes(kind):
    """What instances of a class have: of the class, and what its ``__init__`` sets."""
    set_up = {
        node.attr
        for parent in kind.__mro__[:-1]
        for node in ast.walk(ast.parse(inspect.getsource(inspect.getmodule(parent))))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return set(dir(kind)) | set_up


@pytest.mark.parametrize("kind", USED, ids=lambda kind: kind.__name__)
def test_waitress_has_what_is_used(kind):
    assert set(USED[kind]) <= attributes(kind)


def test_our_server_has_what_a_channel_of_waitress_uses():
    source = inspect.getsource(waitress.channel) + inspect.getsource(waitress.task)
    wanted = {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("server")
    }
    set_up = inspect.getsource(server.Server.__init__)
    missing = {name for name in wanted if not hasattr(server.Server, name) and f"self.{name}" not in set_up}
    assert wanted >= {"add_task", "pull_trigger", "active_channels", "adj", "application"}
    assert missing == set()


def test_an_event_is_handled_by_the_socket():
    assert list(inspect.signature(wasyncore.readwrite).parameters) == ["obj", "flags"]


def test_adjustments_have_what_is_adjusted():
    made = waitress.adjustments.Adjustments(**server._ADJUSTMENTS)
    assert {name: getattr(made, name) for name in server._ADJUSTMENTS} == server._ADJUSTMENTS


def test_receivers_keep_a_body_where_ours_is_put():
    for kind in (waitress.parser.FixedStreamReceiver, waitress.parser.ChunkedReceiver):
        assert all(hasattr(parser.Body, name) for name in ("append", "getfile", "close", "__len__"))
        assert "buf" in inspect.signature(kind).parameters


def test_no_private_name_of_waitress_is_used():
    inherited = {name for kind in OVERRIDES for name in attributes(kind.__bases__[0]) if name.startswith("_")}
    private = {name for name in inherited if not name.endswith("__")}
    for module in Path(server.__file__).parent.glob("*.py"):
        tree = ast.parse(module.read_text("utf-8"))
        own = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}
        own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert own & private == set(), module.name
