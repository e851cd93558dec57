"""The vendor's reference page as a test: its examples are replayed, and each documented status comes up."""

import json
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.client import Api
from support.data import UNKNOWN_ID

import acare

PAGE = Path(__file__).with_name("seed-clients-api.md").read_text(encoding="utf-8")


class Operation(NamedTuple):
    """One operation of the page."""

    title: str
    method: str
    path: str
    curl: list[str]  # its words
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
    """The text under a heading, up to the next one of its level or above."""
    found = re.search(rf"^{'#' * level} {title}.*?\n(.*?)(?=^#{{1,{level}}} |\Z)", text, re.M | re.S)
    return found[1] if found else ""


def table(text):
    """The rows of the table in a text, each as its cells."""
    lines = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def parse(text):
    """An operation from its part of the page."""
    method, path = re.search(r"```http\n(\w+) (\S+)\n```", text).groups()
    curl = re.search(r"```bash title=\"cURL\"\n(.*?)```", section(text, "Example request", 3), re.S)[1]
    response = re.search(r"### Example response \((\d+)\)\n\n```json\n(.*?)```", text, re.S)
    return Operation(
        title=text.partition("\n")[0],
        method=method,
        path=path,
        curl=shlex.split(curl.replace("\\\n", " ")),
        status=int(response[1]),
        response=json.loads(response[2]),
        statuses={int(cells[0].strip("`")) for cells in table(section(text, "Responses", 3))},
    )


OPERATIONS = {operation.title: operation for operation in map(parse, re.split(r"^## ", PAGE, flags=re.M)[1:])}
LIST = OPERATIONS["List all clients"]
DELETE = OPERATIONS["Delete client"]
FILLED = OPERATIONS["Update client"].response["data"]  # a record with a value in each of its fields


def replay(caller, operation, client_id=UNKNOWN_ID, status=None, body=None):
    """The page's curl command, with its placeholders filled in."""
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
    """The id of a client with a value in each field, at the version that the example changes."""
    client = caller.post(FILLED).json["data"]
    for _ in range((operation.curl_body or {}).get("version", 1) - 1):
        caller.put(client["id"], {"notes": FILLED["notes"]})
    return client["id"]


def members(value, path=""):
    """All parts of a JSON value, as pairs of path and type: ``("data.clients[].email", "str")``."""
    found = {(path, type(value).__name__)}
    if isinstance(value, dict):
        found.update(*(members(member, f"{path}.{name}") for name, member in value.items()))
    if isinstance(value, list):
        found.update(*(members(item, f"{path}[]") for item in value))
    return found


every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


# --- the page was read completely


def test_the_page_was_parsed_completely(api):
    found = [(o.method, o.path, len(o.statuses), len(o.curl_body or {})) for o in OPERATIONS.values()]
    assert found == [
        ("GET", "/v1/clients", 4, 0),
        ("POST", "/v1/clients", 5, 3),
        ("GET", "/v1/clients/{id}", 5, 0),
        ("PUT", "/v1/clients/{id}", 6, 4),
        ("DELETE", "/v1/clients/{id}", 5, 0),
    ]
    assert FILLED.keys() == api.create().keys()


# --- the examples


@every_operation
def test_a_response_has_the_fields_and_types_of_the_example(api, operation):
    found = members(replay(api, operation, seed(api, operation)).json)
    missing = {each for each in members(operation.response) if not {each, (each[0], "NoneType")} & found}
    assert missing == set()


@every_operation
def test_the_fields_of_an_example_come_back(api, operation):
    sent = {name: value for name, value in (operation.curl_body or {}).items() if value != "your-status"}
    answer = replay(api, operation, seed(api, operation)).json["data"]
    if "version" in sent:
        sent["version"] += 1
    assert answer.items() >= sent.items()


def test_a_list_is_as_in_the_example(api):
    (example,) = LIST.response["data"]["clients"]
    meta = LIST.response["data"]["meta"]
    for _ in range(meta["total"]):
        api.post(example)
    answer = replay(api, LIST).json["data"]
    assert answer["meta"] == meta
    assert len(answer["clients"]) == meta["limit"]


def test_the_response_to_a_delete_is_the_example(api):
    answer = replay(api, DELETE, seed(api, DELETE)).json
    assert {**answer, "timestamp": DELETE.response["timestamp"]} == DELETE.response


# --- the statuses


def empty_bucket(app, api, operation):
    with acare.create_app(database=app.database.path, rate_limit="1/900", clock=lambda: 0) as limited:
        Api(limited, api.key).get("/v1/clients")
        answer = replay(Api(limited, api.key), operation, status=429)
        assert "see Retry-After" in PAGE
        assert int(answer.headers["Retry-After"]) >= 1
        return answer


def defect(app, api, operation):
    for method in ("page", "get", "create", "update", "delete"):
        setattr(app.clients, method, None)  # calling it is a TypeError
    return replay(api, operation, status=500)


CAUSES = {
    200: lambda app, api, operation: replay(api, operation, seed(api, operation)),
    201: lambda app, api, operation: replay(api, operation),
    400: lambda app, api, operation: replay(api, operation, seed(api, operation), status=400, body=b"[]"),
    401: lambda app, api, operation: replay(Api(app), operation, status=401),
    404: lambda app, api, operation: replay(api, operation, status=404),
    429: empty_bucket,
    500: defect,
}
DOCUMENTED = {
    f"{operation.title}: {status}": (operation, status)
    for operation in OPERATIONS.values()
    for status in sorted(operation.statuses)
}


@pytest.mark.parametrize(("operation", "status"), DOCUMENTED.values(), ids=DOCUMENTED)
def test_a_documented_status_is_answered_in_the_envelope(app, api, operation, status):
    body = CAUSES[status](app, api, operation).json
    assert body["success"] is (status < 300)
    assert body.keys() >= ({"data"} if status < 300 else {"error", "correlationId"})
