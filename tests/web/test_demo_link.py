"""The link that ``acare demo`` prints."""

import pytest


@pytest.mark.parametrize(("arguments", "printed"), [((), True), (("--no-page",), False)])
def test_the_demo_prints_a_link_with_the_key_in_the_fragment(start, arguments, printed):
    server = start(*arguments, command="demo")
    assert (f"{server.url}/#key={server.key}\n" in server.printed) is printed
