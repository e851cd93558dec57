"""What an upgrade of waitress must keep: the names that the server overrides and uses."""

import ast
import inspect
from pathlib import Path

import pytest
import waitress.channel
import waitress.task

from acare.server import channel, listener, parser, response, server

KINDS = [
    channel.Channel,
    parser.Parser,
    response.AppTask,
    response.ErrorTask,
    listener.Listener,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_overrides_have_the_parameters_of_waitress(kind):
    (base,) = kind.__bases__
    own = {name for name, value in vars(kind).items() if inspect.isfunction(value) and hasattr(base, name)}
    for name in own - {"__init__"}:
        ours, theirs = (list(inspect.signature(getattr(each, name)).parameters) for each in (kind, base))
        assert len(ours) == len(theirs), name


def test_a_channel_finds_what_it_needs_of_the_server():
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


def test_no_private_name_of_waitress_is_used():
    private = {
        name
        for kind in KINDS
        for parent in kind.__bases__[0].__mro__[:-1]
        for name in dir(parent)
        if name.startswith("_") and not name.endswith("__")
    }
    for module in Path(server.__file__).parent.glob("*.py"):
        tree = ast.parse(module.read_text("utf-8"))
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert used & private == set(), module.name
