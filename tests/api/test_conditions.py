"""Conditional requests (RFC 9110): what a caller has read decides what is answered and what is written."""

import json
import threading
import urllib.error
import urllib.request

import pytest
from support.client import Api
from support.data import JORDAN

import acare

NOBODY = "00000000-0000-4000-8000-000000000000"

# If-Match of a client at version 2, where it cannot hold. None of these may ever pass for "no condition".
NEVER_MATCHES = {
    "an older version": '"1"',
    "a later version": '"3"',
    "a list of others": '"1", "3", "17"',
    "a weak tag": 'W/"2"',
    "a weak tag among others": '"1", W/"2"',
    "a weak tag in lower case": 'w/"2"',
    "a star in quotes": '"*"',
    "a weak star": 'W/"*"',
    "a weak star without quotes": "W/*",
    "a star in quotes in a list": '"1", "*"',
    "a star and a tag": '*, "1"',
    "a tag and a star": '"1", *',
    "two stars": "**",
    "an empty tag": '""',
    "a quote that is not closed": '"2',
    "a quote that is not opened": '2"',
    "single quotes": "'2'",
    "a leading zero": '"02"',
    "a sign": '"+2"',
    "a space in the tag": '" 2"',
    "a fraction": '"2.0"',
    "a digit of another script": '"٢"'.encode().decode("latin-1"),
    "zero": '"0"',
    "below zero": '"-2"',
    "a version beyond 64 bits": f'"{2**64 + 2}"',
    "a version of many digits": f'"{"2" * 5000}"',
    "another server's tag": '"33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "words": "garbage",
    "words around another tag": 'garbage "1" garbage',
    "a comma": ",",
    "commas": " , ,, ",
    "nothing": "",
    "white space": "   ",
    "null": "null",
    "SQL": '"2") OR 1 OR ("',
    "its version without quotes": "2",
    "its version and one without quotes": '"2", 3',
    "its version and garbage": '"2" x',
    "its version twice without a comma": '"2" "2"',
    "its version with a suffix": '"2"-gzip',
    "its version with a suffix in the tag": '"2-gzip"',
    "its version in two pairs of quotes": '""2""',
}  # fmt: skip

MATCHES = {
    "its version": '"2"',
    "its version in a list": '"1", "2", "3"',
    "its version in a list without spaces": '"1","2"',
    "its version beside a weak tag": 'W/"1", "2"',
    "its version beside a tag with a comma": '"a,b", "2"',
    "its version among empty elements": ', "2" ,,',
    "its version beside another script": '"\xe9", "2"',
    "its version twice": '"2", "2"',
    "any version": "*",
    "any version with spaces around": " * ",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """One for all tests here: each makes its own clients."""
    with acare.create_app(
        database=tmp_path_factory.mktemp("conditions") / "acare.db", rate_limit="off"
    ) as app:
        yield app


def ask(api, method, path, body=None, status=200, **headers):
    """``if_match=`` is a header, ``status=`` the assertion."""
    sent = {**api.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        sent["Content-Type"], body = "application/json", json.dumps(body).encode()
    return api.web.request(path, method=method, headers=sent, body=body or b"", status=status)


@pytest.fixture
def path(api):
    """A client at version 2."""
    client_id = api.create()["id"]
    api.put(client_id, {"source": "the second version"})
    return f"/v1/clients/{client_id}"


@pytest.fixture(scope="module")
def careful(tmp_path_factory):
    """A broker of an app that demands a precondition."""
    with acare.create_app(
        database=tmp_path_factory.mktemp("careful") / "acare.db",
        rate_limit="off",
        require_precondition="true",
    ) as app:
        yield Api(app, app.keys.create("broker@example.com", {"all": ["read", "write"]}, role="broker").key)


# --- the tag


def test_a_new_client_has_the_tag_of_version_1(api):
    assert api.post(JORDAN).headers["ETag"] == '"1"'


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_client_that_is_read_has_the_tag_of_its_version(api, path, method):
    assert ask(api, method, path).headers["ETag"] == '"2"'


def test_an_update_answers_with_the_tag_of_the_new_version(api, path):
    assert ask(api, "PUT", path, {"notes": "x"}).headers["ETag"] == '"3"'


def test_the_tag_of_an_answer_is_what_the_next_change_may_be_made_with(api, path):
    tag = ask(api, "GET", path).headers["ETag"]
    tag = ask(api, "PUT", path, {"notes": "x"}, If_Match=tag).headers["ETag"]
    ask(api, "DELETE", path, If_Match=tag)


@pytest.mark.parametrize(
    ("method", "where", "body", "status"),
    [
        ("GET", "/v1/clients", None, 200),
        ("DELETE", None, None, 200),
        ("PUT", None, {}, 400),
        ("PUT", None, {"notes": "x", "version": 1}, 409),
        ("GET", f"/v1/clients/{NOBODY}", None, 404),
        ("GET", "/healthz", None, 200),
    ],
)
def test_an_answer_without_a_client_has_no_tag(api, path, method, where, body, status):
    assert "ETag" not in ask(api, method, where or path, body, status).headers


# --- If-None-Match


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("tags", ['"2"', 'W/"2"', '"1", "2"', '"1",W/"2"', "*"])
def test_what_the_caller_has_is_304_without_a_body(api, path, method, tags):
    answer = ask(api, method, path, status=304, If_None_Match=tags)
    assert (answer.body, answer.headers["ETag"]) == (b"", '"2"')


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "tags",
    ['"1"', '"1", "3"', 'W/"1"', '""', "garbage", '"2', '"02"', '"*"', "", ",", "2", 'w/"2"', '"2", 3'],
)
def test_what_the_caller_does_not_have_is_answered(api, path, method, tags):
    assert ask(api, method, path, If_None_Match=tags).headers["ETag"] == '"2"'


def test_after_a_change_a_tag_that_was_good_is_not_any_more(api, path):
    ask(api, "PUT", path, {"notes": "new"})
    assert ask(api, "GET", path, If_None_Match='"2"').json["data"]["notes"] == "new"


@pytest.mark.parametrize("tags", ['"1"', "*"])
def test_a_list_is_answered_whatever_the_caller_has(api, path, tags):
    assert ask(api, "GET", "/v1/clients", If_None_Match=tags).json["data"]["clients"][0]["version"] == 2


def test_if_none_match_does_not_hide_that_a_client_is_gone(api, path):
    ask(api, "DELETE", path)
    ask(api, "GET", path, status=404, If_None_Match="*")


def test_if_none_match_does_not_tell_what_a_caller_may_not_see(caller, path):
    ask(caller("ana@example.com", role="agent"), "GET", path, status=404, If_None_Match="*")


CURRENT = ['"2"', 'W/"2"', '"1", "2"', "*", " * "]
OTHERS = ['"1"', '"1", "3"', 'W/"1"', '"02"', '"*"', "", "2", 'w/"2"', "garbage"]
WRITES = [("PUT", {"notes": "mine"}), ("DELETE", None)]


@pytest.mark.parametrize(("method", "body"), WRITES)
@pytest.mark.parametrize("tags", CURRENT)
def test_a_write_whose_if_none_match_matches_is_412_and_not_made(api, path, method, body, tags):
    before = ask(api, "GET", path).json["data"]
    answer = ask(api, method, path, body, 412, If_None_Match=tags)
    assert answer.json["error"]["code"] == "PRECONDITION_FAILED"
    assert answer.json["error"]["details"]["currentVersion"] == 2
    assert answer.headers["ETag"] == '"2"'
    assert ask(api, "GET", path).json["data"] == before


@pytest.mark.parametrize(("method", "body"), WRITES)
@pytest.mark.parametrize("tags", OTHERS)
def test_a_write_whose_if_none_match_does_not_match_is_made(api, path, method, body, tags):
    ask(api, method, path, body, If_None_Match=tags)
    if method == "DELETE":
        ask(api, "GET", path, status=404)
    else:
        assert ask(api, "GET", path).json["data"]["version"] == 3


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("tags", ["*", '"1"'])
def test_if_none_match_for_an_unknown_client_is_404(api, method, tags):
    ask(api, method, f"/v1/clients/{NOBODY}", {"notes": "x"}, 404, If_None_Match=tags)


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "status"),
    [
        ('"2"', '"1"', 200),
        ("*", '"1"', 200),
        ('"2"', '"2"', 412),
        ('"2"', "*", 412),
        ("*", "*", 412),
        ('"1"', '"1"', 412),
        ('"1"', '"2"', 412),
    ],
)
@pytest.mark.parametrize(("method", "body"), WRITES)
def test_of_two_conditions_both_must_hold(api, path, method, body, if_match, if_none_match, status):
    ask(api, method, path, body, status, If_Match=if_match, If_None_Match=if_none_match)


def test_if_none_match_is_judged_before_the_version(api, path):
    ask(api, "PUT", path, {"notes": "x", "version": 1}, 412, If_None_Match='"2"')
    ask(api, "PUT", path, {"notes": "x", "version": 1}, 409, If_None_Match='"1"')


def test_crossed_budgets_are_400_only_where_if_none_match_holds(api, path):
    ask(api, "PUT", path, {"budget_min": 5})
    ask(api, "PUT", path, {"budget_max": 4}, 412, If_None_Match="*")
    ask(api, "PUT", path, {"budget_max": 4}, 400, If_None_Match='"2"')


# --- If-Match on GET and HEAD


@pytest.mark.parametrize("tags", NEVER_MATCHES.values(), ids=NEVER_MATCHES)
def test_a_read_whose_if_match_does_not_hold_is_412(api, path, tags):
    answer = ask(api, "GET", path, status=412, If_Match=tags)
    assert answer.json["error"]["details"]["currentVersion"] == 2
    assert answer.headers["ETag"] == '"2"'


@pytest.mark.parametrize("tags", MATCHES.values(), ids=MATCHES)
def test_a_read_whose_if_match_holds_is_answered(api, path, tags):
    assert ask(api, "GET", path, If_Match=tags).json["data"]["version"] == 2


def test_head_with_a_stale_if_match_is_412_without_a_body(api, path):
    answer = ask(api, "HEAD", path, status=412, If_Match='"1"')
    assert (answer.body, answer.headers["ETag"]) == (b"", '"2"')


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("if_match", "status"), [('"1"', 412), ('"2"', 304), ("*", 304)])
def test_if_match_is_judged_before_if_none_match(api, path, method, if_match, status):
    ask(api, method, path, status=status, If_Match=if_match, If_None_Match='"2"')


@pytest.mark.parametrize("tags", ["*", '"1"'])
def test_a_read_of_an_unknown_client_is_404_before_412(api, tags):
    ask(api, "GET", f"/v1/clients/{NOBODY}", status=404, If_Match=tags)


def test_a_read_that_is_412_tells_what_changed(api, path):
    details = ask(api, "GET", path, status=412, If_Match='"1"').json["error"]["details"]
    assert (details["attemptedVersion"], details["changedFields"]) == (1, ["source"])


# --- If-Match on PUT and DELETE


@pytest.mark.parametrize("tags", MATCHES.values(), ids=MATCHES)
def test_an_update_whose_if_match_holds_is_made(api, path, tags):
    assert ask(api, "PUT", path, {"notes": "mine"}, If_Match=tags).json["data"]["notes"] == "mine"


@pytest.mark.parametrize("tags", MATCHES.values(), ids=MATCHES)
def test_a_deletion_whose_if_match_holds_is_made(api, path, tags):
    ask(api, "DELETE", path, If_Match=tags)
    ask(api, "GET", path, status=404)


@pytest.mark.parametrize("tags", NEVER_MATCHES.values(), ids=NEVER_MATCHES)
def test_an_update_whose_if_match_does_not_hold_is_412_and_not_made(api, path, tags):
    answer = ask(api, "PUT", path, {"notes": "mine"}, 412, If_Match=tags)
    assert answer.json["error"]["code"] == "PRECONDITION_FAILED"
    assert answer.headers["ETag"] == '"2"'
    assert ask(api, "GET", path).json["data"]["version"] == 2


@pytest.mark.parametrize("tags", NEVER_MATCHES.values(), ids=NEVER_MATCHES)
def test_a_deletion_whose_if_match_does_not_hold_is_412_and_not_made(api, path, tags):
    answer = ask(api, "DELETE", path, status=412, If_Match=tags)
    assert answer.json["error"]["code"] == "PRECONDITION_FAILED"
    assert ask(api, "GET", path).json["data"]["version"] == 2


@pytest.mark.parametrize(
    ("tags", "version", "status"),
    [
        ('"2"', 2, 200),
        ("*", 2, 200),
        ('"1", "2"', 2, 200),
        ('"2"', 1, 409),
        ("*", 1, 409),
        ('"1", "2"', 1, 409),
        ('"1"', 2, 412),
        ('"1"', 1, 412),
        ("garbage", 2, 412),
    ],
)
def test_with_a_version_in_the_body_too_both_must_hold(api, path, tags, version, status):
    ask(api, "PUT", path, {"notes": "mine", "version": version}, status, If_Match=tags)
    assert ask(api, "GET", path).json["data"]["version"] == (3 if status == 200 else 2)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("tags", ["*", '"1"', "garbage"])
def test_a_client_that_is_not_there_is_404_before_412(api, method, tags):
    ask(api, method, f"/v1/clients/{NOBODY}", {"notes": "x"}, 404, If_Match=tags)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_client_that_may_not_be_seen_is_404_before_412(caller, path, method):
    ask(caller("ana@example.com", role="agent"), method, path, {"notes": "x"}, 404, If_Match='"1"')


@pytest.mark.parametrize("body", [{}, {"client_type": "tenant"}, {"notes": "x", "version": None}, []])
def test_a_bad_body_is_400_before_412(api, path, body):
    ask(api, "PUT", path, body, 400, If_Match='"1"')


def test_crossed_budgets_are_400_only_where_if_match_holds(api, path):
    ask(api, "PUT", path, {"budget_min": 5})
    ask(api, "PUT", path, {"budget_max": 4}, 412, If_Match='"2"')
    ask(api, "PUT", path, {"budget_max": 4}, 400, If_Match='"3"')


def test_a_deleted_client_is_404_whatever_its_last_tag_was(api, path):
    ask(api, "DELETE", path, If_Match='"2"')
    ask(api, "DELETE", path, status=404, If_Match='"2"')


def test_if_match_counts_over_a_real_socket_too(start):
    server = start()

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
    assert send("PUT", url, {"notes": "x"}, **{"If-Match": '"7"'})[0] == 412
    assert send("PUT", url, {"notes": "x"}, **{"If-Match": ""})[0] == 412
    assert send("PUT", url, {"notes": "x"}, **{"If-Match": '"7", "1"'})[0] == 200
    status, headers, body = send("GET", url, **{"If-None-Match": '"2"'})
    assert (status, headers["ETag"], body) == (304, '"2"', b"")
    assert send("DELETE", url, **{"If-Match": '"1"'})[0] == 412
    assert send("DELETE", url, **{"If-Match": '"2"'})[0] == 200


def test_of_many_with_one_tag_one_changes_it_in_every_round(api, app, path):
    callers = [Api(app, api.key) for _ in range(8)]
    for version in range(2, 12):
        barrier, statuses = threading.Barrier(len(callers)), []

        def race(caller, tag=f'"{version}"', barrier=barrier, statuses=statuses):
            barrier.wait()
            answer = ask(caller, "PUT", path, {"notes": str(id(caller))}, status="*", If_Match=tag)
            statuses.append(answer.status_int)

        threads = [threading.Thread(target=race, args=(caller,)) for caller in callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] + [412] * 7
    assert ask(api, "GET", path).json["data"]["version"] == 12


@pytest.mark.parametrize("header", ["If_Match", "If_None_Match"])
@pytest.mark.parametrize("statement", ["UPDATE", "DELETE"])
def test_the_check_is_in_the_statement_that_writes(app, api, path, statement, header):
    """A check in a statement of its own would leave a gap in which another write can happen."""
    ran = []
    app.database.write(lambda connection: connection.set_trace_callback(ran.append))
    method, body = ("PUT", {"notes": "x"}) if statement == "UPDATE" else ("DELETE", None)
    ask(api, method, path, body, **{header: '"2", "7"' if header == "If_Match" else '"7", "8"'})
    app.database.write(lambda connection: connection.set_trace_callback(None))
    client_statements = [sql.split() for sql in ran if " clients" in sql and not sql.startswith("--")]
    first = client_statements[0]
    assert first[0] == statement
    checked = "[2, 7]" if header == "If_Match" else "[7, 8]"
    assert checked in " ".join(first[first.index("WHERE") :])


# --- --require-precondition


@pytest.fixture
def guarded(careful):
    """A client at version 2 of the app that demands a precondition."""
    client_id = careful.create()["id"]
    careful.put(client_id, {"notes": "the second version", "version": 1})
    return f"/v1/clients/{client_id}"


@pytest.mark.parametrize(("method", "body"), [("PUT", {"notes": "x"}), ("DELETE", None)])
def test_where_it_is_demanded_a_change_without_a_precondition_is_428(careful, guarded, method, body):
    answer = ask(careful, method, guarded, body, 428)
    assert answer.json["error"]["code"] == "PRECONDITION_REQUIRED"
    assert ask(careful, "GET", guarded).json["data"]["version"] == 2


@pytest.mark.parametrize(
    ("method", "body", "headers"),
    [
        ("PUT", {"notes": "x", "version": 2}, {}),
        ("PUT", {"notes": "x"}, {"If_Match": '"2"'}),
        ("PUT", {"notes": "x"}, {"If_Match": "*"}),
        ("DELETE", None, {"If_Match": '"2"'}),
        ("DELETE", None, {"If_Match": "*"}),
    ],
)
def test_where_it_is_demanded_a_change_with_a_precondition_is_made(careful, guarded, method, body, headers):
    ask(careful, method, guarded, body, **headers)


@pytest.mark.parametrize(
    ("method", "body", "headers", "status"),
    [
        ("PUT", {"notes": "x", "version": 1}, {}, 409),
        ("PUT", {"notes": "x"}, {"If_Match": '"1"'}, 412),
        ("DELETE", None, {"If_Match": "garbage"}, 412),
        ("DELETE", None, {"If_None_Match": "*"}, 428),
    ],
)
def test_where_it_is_demanded_a_stale_one_is_still_stale(careful, guarded, method, body, headers, status):
    ask(careful, method, guarded, body, status, **headers)


def test_where_it_is_demanded_a_bad_body_is_400_before_428(careful, guarded):
    ask(careful, "PUT", guarded, {"client_type": "tenant"}, 400)


def test_where_it_is_demanded_reading_and_creating_need_none(careful):
    careful.get(f"/v1/clients/{careful.create()['id']}")


def test_unless_it_is_demanded_the_last_write_wins(api, path):
    ask(api, "PUT", path, {"notes": "x"})
    ask(api, "DELETE", path)


def test_the_flag_demands_it_of_a_server(start):
    server = start("--require-precondition")
    headers = {"X-API-Key": server.key, "Content-Type": "application/json"}
    create = urllib.request.Request(f"{server.url}/v1/clients", json.dumps(JORDAN).encode(), headers)
    with urllib.request.urlopen(create) as made:
        url = server.url + made.headers["Location"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(url, b'{"notes": "x"}', headers, method="PUT"))
    refused.value.close()
    assert refused.value.code == 428
