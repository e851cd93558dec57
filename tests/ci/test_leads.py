"""The page about leads, run as printed: a form handler, and a script behind nginx."""

import subprocess

import pytest
from ci.test_offices import TLS, running
from support.data import JORDAN
from support.http import Agency, ask
from support.keys import new_key
from support.page import examples, replaced
from support.server import make_key, serving
from support.sockets import free_port
from webtest import TestApp

import acare

(HANDLER,) = [text for text in examples("python") if "LEADS_KEY" in text]
(LOCATION,) = [text for text in examples("nginx") if "/leads" in text]
(SCRIPT,) = examples("js")

ANA = {"first_name": "Ana", "last_name": "Silva", "email": "Ana@example.com"}
#: The parts of a browser that the script uses; the arguments are the address and the fields of the form.
BROWSER = """
const [base, ...fields] = process.argv.slice(1);
const output = {};
const page = { querySelector: () => output, addEventListener: (_, submit) => { page.submit = submit; } };
const document = { querySelector: () => page };
const FormData = function () { return fields.map((field) => field.split("=")); };
const send = fetch;
globalThis.fetch = (path, options) => send(base + path, options);
%s
page.submit({ preventDefault: () => {} }).then(() => console.log(output.value));
"""


@pytest.fixture
def office(tmp_path):
    """The address of a server, the key of its form, and a caller for its broker."""
    broker = make_key(tmp_path / "acare.db")
    with acare.create_app(database=tmp_path / "acare.db") as app:
        key = new_key(app.keys, "leads@example.com", {"clients": ["create"]}).key
    with serving(tmp_path / "acare.db") as (_, address):
        yield address, key, Agency(f"http://{address}", broker)


def test_the_form_handler_makes_one_client_a_day(office, monkeypatch):
    address, key, broker = office
    monkeypatch.setenv("LEADS_KEY", key)
    exec(replaced(HANDLER, {"127.0.0.1:8080": address}), names := {})
    for status, changes in (
        (201, {}),
        (201, {}),
        (422, {"phone": "1"}),
        (400, {"email": ""}),
        (400, {"email": "x"}),
    ):
        fields = {**ANA, "notes": "A\r\nb", "status": "closed", **changes}
        TestApp(names["application"]).post("/", fields, status=status)
    TestApp(names["application"]).get("/", status=400)
    assert broker.total("q=ana+silva&status=active") == 1


def test_the_script_makes_one_client_a_day(office, tmp_path):
    address, key, broker = office
    location = replaced(LOCATION, {"127.0.0.1:8080": address, "YOUR_API_KEY": key})
    with running("nginx", tmp_path, f"server {{\nlisten 443 ssl;\n{TLS}{location}}}", port := free_port()):
        for notes, said in (("a", "Thank you."), ("a", "Thank you."), ("b", "Please call us (422).")):
            fields = [f"{name}={value}" for name, value in {**ANA, "notes": notes}.items()]
            line = ["node", "-e", BROWSER % SCRIPT, f"http://127.0.0.1:{port}", *fields]
            assert subprocess.check_output(line, text=True).strip() == said
        page = Agency(f"http://127.0.0.1:{port}", None)
        made, _ = ask(page, "POST", "/leads", JORDAN, 201, X_Forwarded_Prefix="/forged")
        assert made["Location"].startswith("/v1/")
    assert broker.total("q=ana+silva") == 1
