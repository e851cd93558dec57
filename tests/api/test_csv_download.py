"""``/v1/clients.csv``: the clients of a list as a file (test_find_model has filters and agents)."""

import re

import pytest
from support.client import Api, full_key
from support.data import OTHER
from support.importing import USER, Agency

from acare.auth import caller_without_key

CSV = "/v1/clients.csv"


@pytest.fixture
def three(api):
    """A broker with three clients."""
    for _ in range(3):
        api.create()
    return api


def test_it_is_the_export_of_the_command_in_the_lists_order(tmp_path):
    agency = Agency(tmp_path)
    agency.create(**OTHER)
    agency.create(**OTHER | {"notes": "=1+1", "source": "@x", "last_name": '李, "Jr."'})
    exported = agency.run("export", "--format", "csv").out.splitlines(keepends=True)
    with agency.app() as app:
        body = Api(app, full_key(app, USER)).get(CSV).body.decode()
    assert body == "".join([exported[0], *exported[:0:-1]])
    assert "'=1+1" in body


def test_it_is_a_download(three):
    answer = three.get(CSV)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = answer.headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="?clients-\d{4}-\d\d-\d\d\.csv"?', name)
    assert three.head(CSV).headers["Content-Length"] == str(len(answer.body))


@pytest.mark.parametrize("limit", ["MAX_CSV_CLIENTS", "MAX_CSV_BYTES"])
def test_a_file_that_is_too_large_is_400_and_names_the_command(three, monkeypatch, limit):
    monkeypatch.setattr(f"acare.api.resources.{limit}", 2)
    error = three.get(CSV, status=400).json["error"]
    assert (error["details"][0]["field"], "'acare export'" in error["message"]) == ("filters", True)


def test_a_file_of_deleted_clients_is_400_and_names_the_command(three):
    assert "'acare find --deleted'" in three.get(f"{CSV}?deleted=true", status=400).text


def test_it_is_of_one_snapshot(app, three):
    exported = app.lists.all(caller_without_key("x", "broker"), 4)
    next(exported)
    three.create()
    assert len(list(exported)) == 2
