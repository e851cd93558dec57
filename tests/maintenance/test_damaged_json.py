"""One damaged bit in what is stored about a client: a command says so in one line, a request gets a 503."""

import pytest
from support.client import Api, full_key

import acare
from acare.errors import DAMAGED

FLIPPED = {
    "a name": (b'"status":', b'"rtatus":'),
    "a character": (b'"status":', b'"st\xe1tus":'),
    "a list": (b'["vip"]', b'["vip"}'),
}
COMMANDS = ["find", "history {0}", "history {1}", "erase {0}", "erase {0} --yes", "export --format csv"]


def damaged(path, old, new):
    """A database with a client and a deleted one, and a bit flipped: a key, and the ids."""
    with acare.create_app(database=path) as app:
        api = Api(app, full_key(app))
        ids = [api.create(preferred_locations=["vip"])["id"] for _ in range(2)]
        api.put(ids[0], {"notes": "new"})
        api.delete(ids[1])
    path.write_bytes(path.read_bytes().replace(old, new))
    return api.key, *ids


@pytest.mark.parametrize("name", FLIPPED)
def test_a_command_reports_damaged_json_in_one_line(run, path, name):
    _, *ids = damaged(path, *FLIPPED[name])
    ended = [run(*command.format(*ids).split()) for command in COMMANDS]
    assert {(each.code, each.err) for each in ended} == {(1, f"acare: {path}: {DAMAGED}\n")}


@pytest.mark.parametrize("name", FLIPPED)
def test_a_request_for_damaged_json_gets_a_503(path, name, caplog):
    key, client_id, _ = damaged(path, *FLIPPED[name])
    with acare.create_app(database=path) as app:
        for url in ("/v1/clients.csv", f"/v1/clients/{client_id}/history"):
            assert DAMAGED in Api(app, key).get(url, status=503).text
    assert "Jordan" not in caplog.text
