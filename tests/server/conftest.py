"""A server that several attacks in a row are tried on."""

from contextlib import ExitStack

import pytest
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
