"""Conditional requests (RFC 9110): entity tags, If-Match, If-None-Match, and --require-precondition."""

import functools
import json
import urllib.error
import urllib.request

import pytest
from support.client import Api, app_fixture, at_once, full_key
from support.data import JORDAN, UNKNOWN_ID

# If-Match of a client at version 2, where it does not hold. None of these may count as "no condition".
NO_MATCH = [
    '"1"', '"3"', '"1", "3", "17"', 'W/"2"', '"1", W/"2"', 'w/"2"', '"*"', 'W/"*"', "W/*", '"1", "*"',
    '*, "1"', '"1", *', "**", '""', '"2', '2"', "'2'", '"02"', '"+2"', '" 2"', '"2.0"',
    '"٢"'.encode().decode("latin-1"),
    f'"{2**64 + 2}"', f'"{"2" * 5000}"', '"33a64df551425fcc55e4d42a148795d9f25f89d4"', 'garbage "1" garbage',
    " , ,, ", "", "   ", '"2") OR 1 OR ("', "2", '"2", 3', '"2" x', '"2" "2"',
    '"2"-gzip', '"2-gzip"', '""2""',
]  # fmt: skip
MATCH = ['"2"', '"1", "2", "3"', '"1","2"', 'W/"1", "2"', '"a,b", "2"', ', "2" ,,', '"\xe9", "2"', '"2", "2"',
         "*", " * "]  # fmt: skip
# If-None-Match of a client at version 2.
CURRENT = ['"2"', 'W/"2"', '"1", "2"', '"1",W/"2"', "*", " * "]
OTHERS = ['"1"', '"1", "3"', 'W/"1"', '""', '"2', '"02"', '"*"', "", ",", "2", 'w/"2"', '"2", 3', "garbage"]

READS = pytest.mark.parametrize("method", ["GET", "HEAD"])
WRITES = pytest.mark.parametrize(("method", "body"), [("PUT", {"notes": "mine"}), ("DELETE", None)])

app = app_fixture()
strict_app = app_fixture(require_precondition="true")


def second_version(api):
    """The path of a new client at version 2."""
    client_id = api.create()["id"]
    api.put(client_id, {"source": "the second version", "version": 1})
    return f"/v1/clients/{client_id}"


@pytest.fixture
def path(api):
    return second_version(api)


def version(api, path):
    """The current version; None if there is no such client."""
    return api.get(path, "*").json.get("data", {}).get("version")


# --- the tag


def test_every_response_with_a_client_has_its_tag(api):
    path = second_version(api)
    assert api.post(JORDAN).headers["ETag"] == '"1"'
    assert {api.ask(method, path).headers["ETag"] for method in ("GET", "HEAD")} == {'"2"'}
    assert api.ask("PUT", path, {"notes": "x"}, If_Match='"2"').headers["ETag"] == '"3"'
    api.ask("DELETE", path, If_Match='"3"')
    api.ask("DELETE", path, status=404, If_Match='"3"')


# --- If-None-Match


@READS
@pytest.mark.parametrize("tags", CURRENT)
def test_a_read_of_the_callers_version_is_304(api, path, method, tags):
    answer = api.ask(method, path, status=304, If_None_Match=tags)
    assert (answer.body, answer.headers["ETag"]) == (b"", '"2"')


@READS
@pytest.mark.parametrize("tags", OTHERS)
def test_a_read_of_another_version_is_answered(api, path, method, tags):
    assert api.ask(method, path, If_None_Match=tags).headers["ETag"] == '"2"'


@pytest.mark.parametrize("tags", ['"1"', "*"])
def test_if_none_match_does_not_apply_to_a_list(api, path, tags):
    api.ask("GET", "/v1/clients", If_None_Match=tags)


@WRITES
@pytest.mark.parametrize("tags", CURRENT)
def test_a_write_with_a_matching_if_none_match_is_412(api, path, method, body, tags):
    answer = api.ask(method, path, body, 412, If_None_Match=tags)
    assert answer.json["error"]["details"]["currentVersion"] == version(api, path) == 2
    assert answer.headers["ETag"] == '"2"'


@WRITES
@pytest.mark.parametrize("tags", OTHERS)
def test_a_write_with_another_if_none_match_is_done(api, path, method, body, tags):
    api.ask(method, path, body, If_None_Match=tags)
    assert version(api, path) == (3 if method == "PUT" else None)


# --- If-Match


@WRITES
@pytest.mark.parametrize("tags", MATCH, ids=lambda tags: tags[:30])
def test_a_true_if_match_allows_reads_and_writes(api, path, method, body, tags):
    assert api.ask("GET", path, If_Match=tags).json["data"]["version"] == 2
    api.ask(method, path, body, If_Match=tags)
    assert version(api, path) == (3 if method == "PUT" else None)


@pytest.mark.parametrize("tags", NO_MATCH, ids=lambda tags: tags[:30])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_a_false_if_match_is_412_and_writes_nothing(api, path, method, tags):
    answer = api.ask(method, path, {"notes": "mine"} if method == "PUT" else None, 412, If_Match=tags)
    assert (answer.headers["ETag"], version(api, path)) == ('"2"', 2)
    if method != "HEAD":
        assert answer.json["error"]["code"] == "PRECONDITION_FAILED"


@pytest.mark.parametrize("tags", ["2", "2, 3", '"2', "garbage"])
@pytest.mark.parametrize("more", [{}, {"If_None_Match": '"1"'}])
def test_an_unquoted_tag_is_explained(api, path, tags, more):
    said = api.ask("PUT", path, {"notes": "x"}, 412, If_Match=tags, **more).json["error"]["message"]
    assert said == 'The client is at version 2; If-Match must be an entity tag in quotes, as in "3".'


@pytest.mark.parametrize("tags", ['"1"', 'W/"2"', '"1", "3"'])
def test_a_quoted_tag_does_not_get_that_message(api, path, tags):
    said = api.ask("PUT", path, {"notes": "x"}, 412, If_Match=tags).json["error"]["message"]
    assert "in quotes" not in said


# --- with other conditions


BOTH = [
    # If-Match, If-None-Match, status of a write, status of a read
    ('"2"', '"1"', 200, 200),
    ("*", '"1"', 200, 200),
    ('"2"', '"2"', 412, 304),
    ("*", '"2"', 412, 304),
    ("*", "*", 412, 304),
    ('"1"', '"1"', 412, 412),
    ('"1"', '"2"', 412, 412),
]


@WRITES
@pytest.mark.parametrize(("if_match", "if_none_match", "write", "read"), BOTH)
def test_both_headers_must_hold_and_if_match_is_first(
    api, path, method, body, if_match, if_none_match, write, read
):
    headers = {"If_Match": if_match, "If_None_Match": if_none_match}
    for reading in ("GET", "HEAD"):
        api.ask(reading, path, status=read, **headers)
    api.ask(method, path, body, write, **headers)


IN_THE_BODY = [
    # header, tags, version in the body, status
    ("If_Match", '"2"', 2, 200),
    ("If_Match", "*", 2, 200),
    ("If_Match", '"2"', 1, 409),
    ("If_Match", '"1", "2"', 1, 409),
    ("If_Match", '"1"', 2, 412),
    ("If_Match", '"1"', 1, 412),
    ("If_Match", "garbage", 2, 412),
    ("If_None_Match", '"2"', 1, 412),
    ("If_None_Match", '"1"', 1, 409),
]


@pytest.mark.parametrize(("header", "tags", "sent", "status"), IN_THE_BODY)
def test_a_header_and_a_version_must_both_hold(api, path, header, tags, sent, status):
    api.ask("PUT", path, {"notes": "mine", "version": sent}, status, **{header: tags})
    assert version(api, path) == (3 if status == 200 else 2)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("header", ["If_Match", "If_None_Match"])
@pytest.mark.parametrize("tags", ["*", '"1"', "garbage"])
def test_404_comes_before_412(api, caller, path, method, header, tags):
    agent, body = caller("ana@example.com", role="agent"), {"notes": "x"} if method == "PUT" else None
    api.ask(method, f"/v1/clients/{UNKNOWN_ID}", body, 404, **{header: tags})
    agent.ask(method, path, body, 404, **{header: tags})


@pytest.mark.parametrize("body", [{}, {"client_type": "tenant"}, {"notes": "x", "version": None}, []])
def test_400_for_a_body_comes_before_412(api, path, body):
    api.ask("PUT", path, body, 400, If_Match='"1"')


@pytest.mark.parametrize(
    ("header", "tags", "status"),
    [("If_Match", '"2"', 412), ("If_Match", '"3"', 400), ("If_None_Match", "*", 412),
     ("If_None_Match", '"2"', 400)],
)  # fmt: skip
def test_412_comes_before_400_for_crossed_budgets(api, path, header, tags, status):
    api.ask("PUT", path, {"budget_min": 5})
    api.ask("PUT", path, {"budget_max": 4}, status, **{header: tags})


# --- at the same time, and over a socket


def test_of_many_writes_with_one_tag_one_succeeds(app, api, path):
    for number in range(2, 12):
        writes = [
            functools.partial(
                Api(app, api.key).ask, "PUT", path, {"notes": str(n)}, "*", If_Match=f'"{number}"'
            )
            for n in range(8)
        ]
        assert sorted(answer.status_int for answer in at_once(*writes)) == [200] + [412] * 7
    assert version(api, path) == 12


@pytest.mark.parametrize(
    ("header", "tags", "checked"),
    [("If_Match", '"2", "7", "2"', "[2, 7]"), ("If_None_Match", '"7", "8", "7"', "[7, 8]")],
)
@pytest.mark.parametrize("statement", ["UPDATE", "DELETE"])
def test_the_check_is_in_the_statement_that_writes(app, api, path, statement, header, tags, checked):
    """A check in a statement of its own would leave a gap in which another write can happen."""
    ran = []
    app.database.write(lambda connection: connection.set_trace_callback(ran.append))
    method, body = ("PUT", {"notes": "x"}) if statement == "UPDATE" else ("DELETE", None)
    api.ask(method, path, body, **{header: tags})
    app.database.write(lambda connection: connection.set_trace_callback(None))
    first = next(sql.split() for sql in ran if " clients" in sql and not sql.startswith("--"))
    assert first[0] == statement
    assert checked in " ".join(first[first.index("WHERE") :])


def test_conditions_and_the_flag_work_on_a_real_server(start):
    server = start("--require-precondition")

    def send(method, url, body=None, **headers):
        headers |= {"X-API-Key": server.key, "Content-Type": "application/json"}
        request = urllib.request.Request(url, body and json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers, refused.read()

    _, headers, _ = send("POST", f"{server.url}/v1/clients", JORDAN)
    url = server.url + headers["Location"]
    assert send("PUT", url, {"notes": "x"})[0] == 428
    for tags, status in (('"7"', 412), ("", 412), ('"7", "1"', 200)):
        assert send("PUT", url, {"notes": "x"}, **{"If-Match": tags})[0] == status
    status, headers, body = send("GET", url, **{"If-None-Match": '"2"'})
    assert (status, headers["ETag"], body) == (304, '"2"', b"")
    assert send("DELETE", url, **{"If-Match": '"2"'})[0] == 200


# --- --require-precondition

REQUIRED = [
    # method, body, headers, status
    ("PUT", {"notes": "x"}, {}, 428),
    ("PUT", {"notes": "x", "version": 2}, {}, 200),
    ("PUT", {"notes": "x"}, {"If_Match": '"2"'}, 200),
    ("PUT", {"notes": "x"}, {"If_Match": "*"}, 200),
    ("PUT", {"notes": "x", "version": 1}, {}, 409),
    ("PUT", {"notes": "x"}, {"If_Match": '"1"'}, 412),
    ("PUT", {"client_type": "tenant"}, {}, 400),
    ("DELETE", None, {}, 428),
    ("DELETE", None, {"If_None_Match": "*"}, 428),
    ("DELETE", None, {"If_Match": '"2"'}, 200),
    ("DELETE", None, {"If_Match": "*"}, 200),
    ("DELETE", None, {"If_Match": "garbage"}, 412),
    ("GET", None, {}, 200),
]


@pytest.mark.parametrize(("method", "body", "headers", "status"), REQUIRED)
def test_a_change_needs_a_precondition_if_required(strict_app, method, body, headers, status):
    strict = Api(strict_app, full_key(strict_app))
    path = second_version(strict)
    answer = strict.ask(method, path, body, status, **headers)
    if status >= 400:
        assert version(strict, path) == 2
    if status == 428:
        assert answer.json["error"]["code"] == "PRECONDITION_REQUIRED"


@WRITES
def test_without_the_setting_the_last_write_wins(api, path, method, body):
    api.ask(method, path, body)
