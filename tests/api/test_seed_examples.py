"""The vendor's reference page is the test: its examples are replayed, its tables are checked."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.client import Api

import acare

PAGE = Path(__file__).with_name("seed-clients-api.md").read_text(encoding="utf-8")
NOBODY = "550e8400-e29b-41d4-a716-446655440000"


class Row(NamedTuple):
    """A row of a table of parameters or of a body's fields."""

    name: str
    type: str
    required: bool
    text: str

    def number(self, word: str) -> int | None:
        """``Default: `25` · Max: 100`` → 25 for "Default", 100 for "Max", None for what is not told."""
        found = re.search(rf"{word}: `?(\d+)", self.text)
        return found and int(found[1])

    @property
    def words(self) -> list[str]:
        """``One of: `buyer`, `seller``` → both words."""
        return re.findall(r"`(\w+)`", self.text.partition("One of:")[2])


class Operation(NamedTuple):
    """All that the page says of one operation."""

    title: str
    method: str
    path: str
    curl: list[str]  # its words
    parameters: dict[str, Row]
    fields: dict[str, Row]  # of the body
    status: int  # of the example response
    response: dict[str, Any]
    statuses: set[int]

    @property
    def curl_body(self) -> Any:
        return json.loads(self.option("-d")) if "-d" in self.curl else None

    @property
    def curl_path(self) -> str:
        (url,) = (word for word in self.curl if word.startswith("https://"))
        return "/" + url.split("/", 3)[3]

    def option(self, flag: str, default: str = "") -> str:
        return self.curl[self.curl.index(flag) + 1] if flag in self.curl else default


def section(text, title, level):
    """What stands under a heading, up to the next one of its level or above."""
    found = re.search(rf"^{'#' * level} {title}.*?\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.M | re.S)
    return found[1] if found else ""


def table(text):
    """The rows of the table in a text, each as its cells."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def parse(text):
    """One operation out of its part of the page."""
    method, path = re.search(r"```http\n(\w+) (\S+)\n```", text).groups()
    curl = re.search(r"```bash title=\"cURL\"\n(.*?)```", section(text, "Example request", 3), re.S)[1]
    response = re.search(r"### Example response \((\d+)\)\n\n```json\n(.*?)```", text, re.S)
    parameters = [
        Row(c[0].strip("`"), c[2], c[3] == "Yes", c[4]) for c in table(section(text, "Parameters", 3))
    ]
    fields = [
        Row(c[0].strip("`"), c[1], c[2] == "Yes", c[3]) for c in table(section(text, "Request body", 3))
    ]
    return Operation(
        title=text.partition("\n")[0],
        method=method,
        path=path,
        curl=shlex.split(curl.replace("\\\n", " ")),
        parameters={row.name: row for row in parameters},
        fields={row.name: row for row in fields},
        status=int(response[1]),
        response=json.loads(response[2]),
        statuses={int(cells[0].strip("`")) for cells in table(section(text, "Responses", 3))},
    )


OPERATIONS = {operation.title: operation for operation in map(parse, re.split(r"^## ", PAGE, flags=re.M)[1:])}
LIST = OPERATIONS["List all clients"]
CREATE = OPERATIONS["Create new client"]
GET = OPERATIONS["Get client by ID"]
UPDATE = OPERATIONS["Update client"]
DELETE = OPERATIONS["Delete client"]
FILLED = UPDATE.response["data"]  # a record with a value in each of its fields


def replay(caller, operation, client_id=NOBODY, status=None, body=None):
    """The page's curl command, as it stands but for what it leaves to fill in."""
    flags = zip(operation.curl, operation.curl[1:], strict=False)
    headers = dict(word.split(": ") for flag, word in flags if flag == "-H")
    assert headers.pop("X-API-Key") == "YOUR_API_KEY"
    data = operation.option("-d").replace("your-status", "inactive").encode()
    return caller.web.request(
        operation.curl_path.replace(":id", client_id),
        method=operation.option("-X", "GET"),
        headers={**headers, **caller.headers},
        body=data if body is None else body,
        status=status or operation.status,
    )


def seed(caller, operation):
    """The id of a client with a value in each field, at the version that the example wants to change."""
    client = caller.post(FILLED).json["data"]
    for _ in range((operation.curl_body or {}).get("version", 1) - 1):
        caller.put(client["id"], {"notes": FILLED["notes"]})
    return client["id"]


def members(value, path=""):
    """Everything in a JSON value, as pairs of a path and a type: ``("data.clients[].email", "str")``."""
    found = {(path, type(value).__name__)}
    if isinstance(value, dict):
        found.update(*(members(member, f"{path}.{name}") for name, member in value.items()))
    if isinstance(value, list):
        found.update(*(members(item, f"{path}[]") for item in value))
    return found


every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


# --- the page was read


def test_the_page_has_five_operations():
    assert [(operation.method, operation.path) for operation in OPERATIONS.values()] == [
        ("GET", "/v1/clients"),
        ("POST", "/v1/clients"),
        ("GET", "/v1/clients/{id}"),
        ("PUT", "/v1/clients/{id}"),
        ("DELETE", "/v1/clients/{id}"),
    ]


def test_the_pages_tables_and_examples_were_found():
    found = [
        [len(o.parameters), len(o.fields), len(o.statuses), len(o.curl_body or {})]
        for o in OPERATIONS.values()
    ]
    assert found == [[4, 0, 4, 0], [0, 5, 5, 3], [1, 0, 5, 0], [1, 4, 6, 4], [1, 0, 5, 0]]


def test_the_pages_fullest_example_has_all_fields_of_a_record(api):
    assert FILLED.keys() == api.create().keys()


@every_operation
def test_an_example_is_a_request_of_its_operation(operation):
    assert operation.option("-X", "GET") == operation.method
    assert operation.curl_path == operation.path.replace("{id}", ":id")


# --- the examples


@every_operation
def test_an_answer_has_every_field_of_the_example_with_the_same_type(api, operation):
    sent = operation.curl_body or {}
    unsent = {
        f".data.{name}" for name, row in operation.fields.items() if not row.required and name not in sent
    }
    answer = replay(api, operation, seed(api, operation)).json
    expected = {(path, "NoneType" if path in unsent else kind) for path, kind in members(operation.response)}
    assert expected - members(answer) == set()


@every_operation
def test_what_an_example_sends_is_what_comes_back(api, operation):
    sent = {name: value for name, value in (operation.curl_body or {}).items() if value != "your-status"}
    answer = replay(api, operation, seed(api, operation)).json["data"]
    if "version" in sent:
        sent["version"] += 1
    assert answer.items() >= sent.items()


@pytest.mark.parametrize("operation", [CREATE, GET, UPDATE], ids=lambda operation: operation.title)
def test_a_client_can_have_the_values_of_an_example_response(api, operation):
    example = {
        name: value
        for name, value in operation.response["data"].items()
        if name not in ("id", "user_id", "version", "created_at", "updated_at")
    }
    assert api.post(operation.response["data"]).json["data"].items() >= example.items()


def test_a_list_answers_as_in_the_example_when_there_are_as_many_clients(api):
    (example,) = LIST.response["data"]["clients"]
    meta = LIST.response["data"]["meta"]
    for _ in range(meta["total"]):
        api.post(example)
    answer = replay(api, LIST).json["data"]
    assert answer["meta"] == meta
    assert len(answer["clients"]) == meta["limit"]


def test_meta_has_the_members_of_the_example_and_no_others(api):
    assert members(replay(api, LIST).json["data"]["meta"]) == members(LIST.response["data"]["meta"])


def test_a_delete_answers_as_in_the_example_but_for_the_time(api):
    answer = replay(api, DELETE, seed(api, DELETE)).json
    assert {**answer, "timestamp": DELETE.response["timestamp"]} == DELETE.response


# --- the tables


def test_the_page_and_the_limit_have_the_documented_defaults(api):
    defaults = {name: LIST.parameters[name].number("Default") for name in ("page", "limit")}
    assert defaults == {"page": 1, "limit": 25}
    assert replay(api, LIST).json["data"]["meta"].items() >= defaults.items()


def test_the_documented_most_is_taken_and_answers_what_is_over_it(api):
    most = LIST.parameters["limit"].number("Max")
    assert most == 100
    limits = [
        api.get(f"/v1/clients?limit={limit}").json["data"]["meta"]["limit"] for limit in (most, most + 1)
    ]
    assert limits == [most, most]


@pytest.mark.parametrize("name", ["page", "limit"])
def test_the_documented_least_is_taken_and_what_is_below_it_is_400(api, name):
    least = LIST.parameters[name].number("Min")
    assert api.get(f"/v1/clients?{name}={least}").json["data"]["meta"][name] == least
    api.get(f"/v1/clients?{name}={least - 1}", status=400)


ENUMS = [row for row in LIST.parameters.values() if row.words]
WORDS = [(row.name, word) for row in ENUMS for word in row.words]


def test_two_parameters_are_enums():
    assert [(row.name, len(row.words)) for row in ENUMS] == [("client_type", 3), ("status", 3)]


@pytest.mark.parametrize(("name", "word"), WORDS)
def test_each_documented_word_is_taken_by_filter_and_body(api, name, word):
    client = api.create(**{name: word})
    assert api.get(f"/v1/clients?{name}={word}").json["data"]["clients"] == [client]


def test_the_words_are_the_same_in_every_table():
    assert CREATE.fields["client_type"].words == LIST.parameters["client_type"].words
    assert ", ".join(LIST.parameters["status"].words) in UPDATE.fields["status"].text


@pytest.mark.parametrize("name", CREATE.fields)
def test_a_field_may_be_left_out_at_creation_unless_it_is_documented_as_required(api, name):
    body = {field: CREATE.response["data"][field] for field in CREATE.fields if field != name}
    api.post(body, status=400 if CREATE.fields[name].required else 201)


@pytest.mark.parametrize("name", UPDATE.fields)
def test_every_documented_field_of_an_update_may_be_left_out(api, name):
    sent = {"email": "a@b", "phone": "1", "status": "closed", "version": 1}
    assert sent.keys() == UPDATE.fields.keys()
    api.put(api.create()["id"], {field: value for field, value in sent.items() if field != name})


# --- the documented statuses


def succeed(app, api, operation):
    return replay(api, operation, seed(api, operation))


def send_nonsense(app, api, operation):
    return replay(api, operation, seed(api, operation), status=400, body=b"[]")


def send_no_key(app, api, operation):
    return replay(Api(app, None), operation, status=401)


def ask_for_nobody(app, api, operation):
    return replay(api, operation, status=404)


def ask_too_often(app, api, operation):
    with acare.create_app(database=app.database.path, rate_limit="1/900", clock=lambda: 0) as limited:
        replay(Api(limited, None), operation, status=401)
        return replay(Api(limited, api.key), operation, status=429)


def ask_a_broken_store(app, api, operation):
    for method in ("page", "get", "create", "update", "delete"):
        setattr(app.clients, method, None)  # calling it is a TypeError
    return replay(api, operation, status=500)


BRING = {
    200: succeed,
    201: succeed,
    400: send_nonsense,
    401: send_no_key,
    404: ask_for_nobody,
    429: ask_too_often,
    500: ask_a_broken_store,
}
DOCUMENTED = [
    pytest.param(operation, status, id=f"{operation.title}: {status}")
    for operation in OPERATIONS.values()
    for status in sorted(operation.statuses)
]


@pytest.mark.parametrize(("operation", "status"), DOCUMENTED)
def test_a_documented_status_is_answered_in_the_envelope(app, api, operation, status):
    body = BRING[status](app, api, operation).json
    assert body["success"] is (status < 300)
    assert body.keys() >= ({"data"} if status < 300 else {"error", "correlationId"})


def test_a_429_has_the_header_that_the_page_tells_of(app, api):
    assert "see Retry-After" in PAGE
    assert int(ask_too_often(app, api, LIST).headers["Retry-After"]) >= 1
