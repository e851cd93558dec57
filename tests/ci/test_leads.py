"""The page about leads, run as printed: a script behind nginx and Caddy."""

import json
import re
import subprocess

import pytest
from ci.test_offices import TLS, running
from support.data import JORDAN
from support.http import Agency, ask
from support.keys import new_key
from support.page import PAGE, examples, replaced
from support.server import make_key, serving
from support.sockets import free_port

import acare

(LOCATION,) = [text for text in examples("nginx") if "/leads" in text]
(CADDY,) = [text for text in examples("caddy") if "/leads" in text]
(LIMIT,) = re.findall("`(limit_req_zone .*;)`", PAGE)
(SCRIPT,) = examples("js")

ANA = {"first_name": "Ana", "last_name": "Silva", "email": "Ana@example.com"}
#: The parts of a browser that the script uses; the arguments are the address and the fields of the form.
BROWSER = """
const [base, ...forms] = process.argv.slice(1);
const output = {};
const page = { querySelector: () => output, reset: () => {} };
page.addEventListener = (_, submit) => { page.submit = submit; };
const document = { querySelector: () => page };
let fields;
const FormData = function () { return fields; };
const send = fetch;
globalThis.fetch = (path, options) => send(base + path, options);
%s
(async () => {
  for (const form of forms) {
    const clicks = JSON.parse(form).map((click) => {
      fields = click;
      return page.submit({ preventDefault: () => {} }).then(() => console.log(output.value));
    });
    await Promise.all(clicks);
  }
})();
"""


@pytest.fixture
def office(tmp_path):
    """The address of a server, the key of its form, and a caller for its broker."""
    broker = make_key(tmp_path / "acare.db")
    with acare.create_app(database=tmp_path / "acare.db") as app:
        key = new_key(app.keys, "leads@example.com", {"clients": ["create"]}).key
    with serving(tmp_path / "acare.db") as (_, address):
        yield address, key, Agency(f"http://{address}", broker)


#: The configuration of each proxy around its example.
AROUND = {
    "nginx": f"{LIMIT}\nserver {{\nlisten 443 ssl;\n{TLS}{LOCATION}}}",
    "caddy": f"crm.example {{\n{CADDY}}}\n",
}


@pytest.fixture(params=["nginx"])
def behind(request, office, tmp_path):
    """The URL of a proxy with its example, and a caller for the broker."""
    address, key, broker = office
    text = replaced(AROUND[request.param], {"127.0.0.1:8080": address, "YOUR_API_KEY": key})
    with running(request.param, tmp_path, text, port := free_port()):
        yield f"http://127.0.0.1:{port}", broker


def send(url, *forms):
    """What the script shows for each form of a page, or for each of several clicks at once (a list)."""
    clicks = [form if isinstance(form, list) else [form] for form in forms]
    sent = [json.dumps([[*fields.items()] for fields in each]) for each in clicks]
    return subprocess.check_output(["node", "-e", BROWSER % SCRIPT, url, *sent], text=True).splitlines()


def test_the_script_makes_one_client_for_each_form(behind):
    url, broker = behind
    assert send(url, {**ANA, "notes": "a"}, {**ANA, "notes": "b"}) == ["Thank you."] * 2
    assert send(url, {**ANA, "first_name": ""}) == ["Please call us (400)."]
    assert broker.total("q=ana+silva") == 2


def test_a_double_click_makes_one_client(behind):
    url, broker = behind
    assert send(url, [ANA, ANA]) == ["Thank you."] * 2
    assert broker.total("q=ana+silva") == 1


def test_a_phone_that_is_none_goes_to_the_notes(behind):
    url, broker = behind
    send(url, {**ANA, "notes": "a house", "phone": "call me"})
    (client,) = broker.ask("GET", "/v1/clients")["clients"]
    assert (client["phone"], client["notes"]) == (None, "a house\ncall me")


@pytest.mark.parametrize("behind", AROUND, indirect=True)
def test_the_proxy_passes_on_no_key_prefix_or_user_of_the_visitor(behind):
    url, _ = behind
    forged = {"X_Forwarded_Prefix": "/forged", "X_API_Key": "0" * 64, "Remote_Email": "broker@example.com"}
    made, _ = ask(Agency(url, None), "POST", "/leads", JORDAN, 201, **forged)
    assert made["Location"].startswith("/v1/")
    ask(Agency(url, None), "GET", "/leads", status=403)  # the key may only create


def test_nginx_limits_each_visitor(behind):
    said = send(behind[0], *[{**ANA, "notes": str(number)} for number in range(8)])
    assert said == ["Thank you."] * 6 + ["Please call us (429)."] * 2
