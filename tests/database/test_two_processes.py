"""Optimistic locking under load, by two servers on one file: no update is lost between them."""

from collections import Counter
from contextlib import ExitStack

import pytest
from support.crash import damage
from support.http import Agency
from support.server import make_key, serving
from support.threads import in_threads

CALLERS = 8

# Both checkpoint all the time, so that checkpoints of one meet commits of the other.
CHECKPOINT_OFTEN = "import acare.database.wal as wal; wal.CHECKPOINT_AFTER = 2"


@pytest.fixture
def callers(path):
    """As many to each of the two servers, in turn."""
    key = make_key(path)
    with ExitStack() as stack:
        addresses = [stack.enter_context(serving(path, before=CHECKPOINT_OFTEN))[1] for _ in range(2)]
        yield [Agency(address, key) for address in addresses * (CALLERS // 2)]


def test_only_one_update_of_a_version_succeeds(path, callers):
    client = callers[0].create()
    item = f"/v1/clients/{client['id']}"
    for version in range(1, 61):
        changes = {"notes": f"was {version}", "version": version}
        answers = in_threads(CALLERS, lambda n, changes=changes: callers[n].send("PUT", item, changes))
        assert Counter(status for status, _ in answers) == {200: 1, 409: CALLERS - 1}
        told = [(error["code"], error["details"]) for status, error in answers if status == 409]
        assert {code for code, _ in told} == {"VERSION_CONFLICT"}
        versions = {(details["currentVersion"], details["attemptedVersion"]) for _, details in told}
        assert versions == {(version + 1, version)}
    assert [data for status, data in answers if status == 200] == [callers[1].get(client)]
    assert damage(path) == []
