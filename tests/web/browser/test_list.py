"""The list."""

import re

import pytest
from playwright.sync_api import expect
from support.http import Agency
from web.browser.conftest import ROWS, both_engines, opened


def test_search_filters_and_pages_stand_in_the_address(open_page, demo):
    page = opened(open_page, demo)
    page.get_by_label("Type", exact=True).select_option("buyer")
    page.get_by_label("Status").select_option("active")
    expect(page.locator(".total")).to_have_text(f"{demo.total('client_type=buyer&status=active')} clients")
    page.get_by_label("Type", exact=True).select_option("")
    total = demo.total("status=active")
    expect(page.locator(".total")).to_have_text(f"1 – 50 of {total}")
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".total")).to_have_text(f"51 – {total} of {total}")
    assert page.url.endswith("/#/?status=active&page=2")
    page.reload()
    expect(page.locator(".total")).to_have_text(f"51 – {total} of {total}")
    expect(page.get_by_label("Status", exact=True)).to_have_value("active")
    page.go_back()
    expect(page.locator(".total")).to_have_text(f"1 – 50 of {total}")
    page.go_back()
    expect(page).to_have_url(re.compile(r"\?client_type=buyer&status=active$"))
    page.get_by_role("link", name="Clients", exact=True).click()
    expect(page.locator(".total")).to_have_text("1 – 50 of 120")


def test_the_heading_of_the_names_sorts(open_page, demo):
    page = opened(open_page, demo)
    page.get_by_role("link", name="Name", exact=True).click()
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")
    first = demo.ask("GET", "/v1/clients?sort=name&limit=1")["clients"][0]
    expect(page.locator(ROWS).first).to_have_text(f"{first['first_name']} {first['last_name']}")
    page.get_by_role("link", name="Name", exact=True).click()
    expect(page).to_have_url(re.compile("/#/$"))


def test_a_link_of_the_header_leads_to_the_top_and_back_to_the_place(open_page, demo):
    page = opened(open_page, demo)
    page.locator(ROWS).nth(45).click()
    expect(page.locator(".history li").first).to_be_visible()
    page.go_back()
    expect(page.locator(ROWS).nth(45)).to_be_in_viewport()
    page.locator(ROWS).nth(45).click()
    expect(page.locator(".history li").first).to_be_visible()
    page.get_by_role("link", name="Clients", exact=True).click()
    expect(page.locator(ROWS).first).to_be_in_viewport()


def test_fifteen_clients_stand_in_a_window_of_800_pixels(open_page, demo):
    page = opened(open_page, demo, viewport={"width": 1280, "height": 800})
    expect(page.locator(ROWS).nth(14)).to_be_in_viewport(ratio=1)
    rows = page.locator("tbody tr").evaluate_all("rows => rows.map((row) => row.offsetHeight)")
    assert max(rows) <= 37


@both_engines
def test_the_search_follows_the_typing(open_page, demo):
    page = opened(open_page, demo)
    page.get_by_label("Search").press_sequentially("chloe l", delay=30)  # accents do not count
    total = demo.total("q=chloe+l")
    expect(page.locator(".total")).to_contain_text(f"{total} client")
    expect(page.locator(ROWS).first).to_contain_text("Chloé L")
    expect(page).to_have_url(re.compile(r"/#/\?q=chloe\+l$"))
    expect(page.get_by_label("Search")).to_be_focused()
    page.get_by_label("Owner").select_option(label="luis.ortega")
    expect(page).to_have_url(re.compile("user_id="))


def test_a_tag_is_a_filter_that_can_be_taken_away(open_page, agency):
    tagged = agency.create(last_name="Tagged", tags=["Left, right", "vip"])
    agency.create(last_name="Other", tags=["left, right again"])
    page = opened(open_page, agency, f"client/{tagged['id']}")
    page.get_by_role("link", name="Left, right", exact=True).click()
    expect(page.locator(ROWS)).to_have_text(["Jordan Tagged"])
    expect(page).to_have_url(re.compile(r"/#/\?tag=Left%2C\+right$"))
    expect(page).to_have_title(re.compile("Tag: Left, right"))
    page.get_by_label("Status").select_option("active")
    expect(page).to_have_url(re.compile(r"\?status=active&tag="))
    page.get_by_role("button", name="Remove the filter").click()
    expect(page).to_have_url(re.compile(r"\?status=active$"))
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.get_by_label("Search")).to_be_focused()


def test_an_empty_list_says_what_limits_it_and_drops_it(open_page, agency):
    agency.create(last_name="Limited")
    page = opened(open_page, agency, "?q=limited&status=closed")
    expect(page.locator(".empty")).to_contain_text("Limited to the status \u2068Closed\u2069.")
    page.get_by_role("link", name="Search without the status").click()
    expect(page.locator(ROWS)).to_have_text(["Jordan Limited"])


LONG = {
    "first_name": "Dr. Friederike",
    "last_name": "Freifrau von und zu Guttenberg-Falkenhausen",
    "phone": "0171 2345678 / 040 998877, privat",
    "budget_min": 1_000_000,
    "budget_max": 1_250_000.5,
    "email": "friederike.guttenberg-falkenhausen@maklerbuero.example",
}
#: The words of up to eight letters that stand in two lines.
BROKEN = """cells => cells.flatMap((cell) => {
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), broken = [];
  const words = /[\\p{L}\\p{N}]+/gu;
  while (texts.nextNode()) for (const { 0: word, index } of texts.currentNode.data.matchAll(words)) {
    const range = document.createRange();
    range.setStart(texts.currentNode, index);
    range.setEnd(texts.currentNode, index + word.length);
    const lines = new Set(Array.from(range.getClientRects(), ({ top }) => top));
    if (word.length <= 8 && lines.size > 1) broken.push(word);
  }
  return broken;
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_name_breaks_no_short_word_at_any_width(open_page, start, scheme):
    agency = Agency(*start("--rate-limit", "off", "--currency", "EUR")[1:3])
    email = "marieluz-annalena.papadopoulos-hollingsworth@maklerbuero.example"
    owner = agency.ask("POST", "/v1/users", {"email": email, "role": "agent"}, 201)
    for fields in (LONG, {"phone": "+49 (0)40 4711-8812", "tags": ["due:2026-01-02"]}):
        client = agency.create(**fields)
        agency.ask("POST", f"/v1/clients/{client['id']}/owner", {"user_id": owner["id"]})
    page = open_page(agency.link, color_scheme=scheme)
    expect(page.locator("td.owner")).to_have_count(2)
    cells = page.locator("table.clients :is(th, td)")
    cut = """all => all
        .filter((cell) => cell.scrollWidth > cell.clientWidth && !cell.querySelector("[title]"))
        .map((cell) => cell.textContent)"""
    for width in (360, 640, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert cells.evaluate_all(BROKEN) == [], width
        assert cells.evaluate_all(cut) == [], width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        card = page.locator(".table").bounding_box()["width"]
        assert page.locator("table.clients").bounding_box()["width"] <= card, width
