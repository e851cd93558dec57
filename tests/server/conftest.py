"""A server that several attacks in a row are tried on."""

import pytest
from support.target import target_in


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    with target_in(tmp_path_factory.mktemp("target"), "--trusted-proxy", "127.0.0.1") as target:
        yield target
