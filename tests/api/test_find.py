"""Filters that are blank, unknown or find nothing (test_find_model and test_fuzz have the others)."""

import pytest

ZOE = {"first_name": "Zoë", "email": "zoe@example.com"}
ANA = {"first_name": "Ana", "email": "Ana.X@Example.com"}
ALL = ["Ana", "Zoë"]


@pytest.fixture
def people(api):
    for person in (ZOE, ANA):
        api.create(**person)
    return api


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("email=ana.x@example.COM", ["Ana"]),
        ("q=&email=&user_id=", ALL),
        ("page=%20&client_type=&status=%20", ALL),
        ("order=email&search=X&Page=2", ALL),
        ("sort=created_at&price=&location=%20", ALL),
        ("price=99999999999999999999999", ALL),
        ("user_id=00000000-0000-4000-8000-000000000000", []),
        ("q=a+b+c+d+e+f+g+h", []),
    ],
)
def test_a_filter_finds_its_clients(people, query, names):
    data = people.list(f"?{query}")
    assert [client["first_name"] for client in data["clients"]] == names
    assert data["meta"]["total"] == len(names)
