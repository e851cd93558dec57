"""Whatever a client's fields contain is shown as text, and the key is in a header alone."""

import urllib.parse

import pytest
from playwright.sync_api import expect
from support.http import Agency

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
BIDI = "\u202eevil\u2066\u2067abc"
CLIENTS = {
    "markup": {"first_name": SCRIPT, "last_name": "</td></table><svg onload=alert(1)>",
               "phone": f"1 {SCRIPT}"[:40], "email": "javascript:alert(1)@x\"'<b>",
               "source": "javascript:a()", "notes": SCRIPT * 100, "tags": [SCRIPT[:50], "{{7*7}}"],
               "preferred_locations": ["${alert(1)}", "<!--"],
               "property_preferences": {"<img src=x onerror=alert(1)>": SCRIPT, "__proto__": {"a": 1}}},
    "long": {"first_name": "W" * 100, "last_name": "i" * 100, "email": f"{'a' * 248}@b.co", "phone": "1" * 40,
             "source": "x" * 100, "notes": "y" * 10_000, "tags": ["z" * 50] * 50,
             "preferred_locations": ["q" * 200] * 50,
             "budget_min": 999_999_999_999.99, "budget_max": 1_000_000_000_000},
    "bidi": {"first_name": BIDI, "last_name": "مرحبا",
             "notes": f"{BIDI}\nשלום", "source": BIDI, "tags": [BIDI],
             "email": "a?bcc=b&cc=c@wicked.example"},
}  # fmt: skip


@pytest.fixture(scope="module")
def clients(agency):
    return {name: agency.create(**fields) for name, fields in CLIENTS.items()}


@pytest.mark.parametrize("name", CLIENTS)
def test_hostile_values_are_shown_as_text(open_page, agency, clients, name):
    client = clients[name]
    page = open_page(agency.link, viewport={"width": 360, "height": 800})
    expect(page.locator("tbody td.name a").first).to_be_visible()
    tags = "body script, body img, body svg, main b, main iframe"
    for where in ("", f"client/{client['id']}", f"client/{client['id']}/edit"):
        page.goto(f"{agency.url}/#/{where}")
        expect(
            page.locator("form.client" if "edit" in where else ".facts" if where else "tbody").first
        ).to_be_visible()
        assert page.locator(tags).count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        hrefs = page.locator("main a").evaluate_all("all => all.map((a) => a.getAttribute('href'))")
        assert all(href.startswith(("#", "mailto:", "tel:")) for href in hrefs)
        assert not [href for href in hrefs if href.startswith("mailto:") and set("?&") & set(href)]
    expect(page.get_by_label("First name")).to_have_value(client["first_name"])
    expect(page.get_by_role("textbox", name="Notes")).to_have_value(client["notes"] or "")
    page.goto(f"{agency.url}/#/client/{client['id']}")
    expect(page.locator(".facts").first).to_be_visible()
    shown = page.locator("#main").evaluate("node => node.textContent")
    for field in ("first_name", "last_name", "notes"):
        assert (client[field] or "") in shown
    assert "\u202e" not in page.title()


def test_the_key_is_in_a_header_alone(open_page, start, tmp_path):
    server = start("--rate-limit", "off")
    agency = Agency(server.url, server.key)
    client, requests = agency.create(), []
    page = open_page("about:blank")
    page.context.on("request", lambda request: requests.append(request))
    page.goto(agency.link)
    expect(page.locator("tbody td.name a")).to_have_count(1)
    page.get_by_label("Search").fill(client["first_name"])
    page.wait_for_url("**q=*")
    assert agency.key not in page.content()
    page.goto(f"{agency.url}/#/client/{client['id']}/edit")
    page.get_by_role("textbox", name="Notes").fill("x")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said")).to_contain_text("Saved.")
    assert len(requests) > 10
    for request in requests:
        headers = {name: text for name, text in request.all_headers().items() if name != "x-api-key"}
        said = [urllib.parse.urldefrag(request.url).url, *headers.values(), request.post_data or ""]
        assert not [text for text in said if agency.key in text]
        assert not headers.get("referer")
    assert agency.key not in (tmp_path / "server.log").read_text()
