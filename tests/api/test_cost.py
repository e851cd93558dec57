"""What a request of the maximum size costs: no body takes much longer to validate than JSON to parse."""

import contextlib
import json
import time

import pytest

from acare.api import body, envelope
from acare.errors import InvalidInput
from acare.fields import validate_create, validate_update

SIZE = 64 * 1024
#: Times the time of parsing the same body or one of zeros, in the same run. Walking all values takes 5.5.
MAX_RATIO = 4
MAX_ERROR = 16 * 1024

CLIENT = '{"first_name":"A","last_name":"B","client_type":"buyer",'
PREFERENCES = CLIENT + '"property_preferences":'
LIST = PREFERENCES + '{"a":['


def fill(start, piece, end, size=SIZE):
    """A text of at most ``size`` bytes: ``piece`` as often as there is room for it."""
    room = size - len((start + end).encode())
    return (start + piece * (room // len(piece.encode()))).rstrip(",") + end


def keys(count):
    return "{" + ",".join(f'"{number:x}":0' for number in range(count)) + "}"


BODIES = {
    "zeros": fill(LIST, "0,", "]}}"),
    "lists": fill(LIST, "[],", "]}}"),
    "lists of 15 levels": fill(LIST, "[" * 15 + "]" * 15 + ",", "]}}"),
    "texts": fill(LIST, '"",', "]}}"),
    "huge numbers": fill(LIST, "9" * 4290 + ",", "]}}"),
    "known lists": fill(PREFERENCES + '{"property_types":[', '"",', "]}}"),
    "many keys": PREFERENCES + keys(6000) + "}",
    "as many keys as are allowed": PREFERENCES + keys(1000) + fill(',"z":[', "0,", "]}", 50_000),
    "900 levels": PREFERENCES + '{"a":' + "[" * 900 + "]" * 900 + "}}",
    "a long key": PREFERENCES + '{"' + "k" * 8000 + '":"\\u0001"}}',
    "unknown fields": CLIENT + keys(6000)[1:],
    "an address of @": fill(CLIENT + '"email":"', "@", '"}'),
    "an address of control characters": fill(CLIENT + '"email":"', "\\u0001", '"}'),
    "a name in white space": fill('{"first_name":"', "\u3000", 'x"}'),
    "notes of line breaks": fill(CLIENT + '"notes":"', "\\n", '"}'),
    "50 wrong tags": CLIENT + '"tags":[' + ",".join(['"' + "\u3000" * 420 + '\\u0001"'] * 50) + "]}",
    "all fields wrong": fill(
        CLIENT + f'"tags":{[0] * 50},"preferred_locations":{[0] * 50},"notes":"', "\\u0001", '"}'
    ),
}


def answer(validate, sent):
    """The text of the error for a body; empty if the body is valid."""
    try:
        validate(body.loads(sent))
    except InvalidInput as error:
        response = envelope.DOMAIN_ERRORS[InvalidInput](error)
        return envelope.error_body(response.title, response.description, "x", response.details)
    return ""


def parse(sent):
    with contextlib.suppress(ValueError):
        json.loads(sent)


def seconds(function, *arguments):
    started = time.thread_time()
    function(*arguments)
    return time.thread_time() - started


@pytest.mark.parametrize("sent", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("validate", [validate_create, validate_update])
def test_no_body_takes_long_to_validate(validate, sent):
    assert len(sent.encode()) <= SIZE
    usual = fill("[", "0,", "]")
    ratios = []
    while len(ratios) < 30 and min(ratios, default=MAX_RATIO) >= MAX_RATIO:  # a busy machine needs several
        parsing = max(seconds(parse, usual), seconds(parse, sent))
        ratios.append(seconds(answer, validate, sent.encode()) / parsing)
    assert min(ratios) < MAX_RATIO


@pytest.mark.parametrize("sent", BODIES.values(), ids=BODIES)
def test_no_body_gets_a_long_error(sent):
    assert len(answer(validate_create, sent.encode())) < MAX_ERROR
