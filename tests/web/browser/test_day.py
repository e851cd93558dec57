"""The day of an agent: look up, call, write a note, next; by the keyboard, and with few requests."""

import csv
import re

import pytest
from playwright.sync_api import expect
from web.browser.conftest import ROWS, opened

NOTED = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d broker: ")


@pytest.mark.parametrize("back", ["the browser", "the link"])
def test_back_in_the_list_nothing_has_moved(open_page, demo, back):
    page = opened(open_page, demo, "?status=active&page=2", viewport={"width": 1024, "height": 500})
    expect(page.locator(".total")).to_contain_text("51 – ")
    page.evaluate("scrollTo(0, 400)")
    here, place = page.locator(ROWS).nth(8).get_attribute("href"), page.evaluate("scrollY")
    page.locator("td.status").nth(8).click()  # a click anywhere in a row opens it
    expect(page.locator(".history li").first).to_be_visible()
    if back == "the link":
        page.locator(".back").click()
    else:
        page.go_back()
    expect(page.locator(f'{ROWS}[href="{here}"]')).to_be_focused()
    expect(page.locator(".total")).to_contain_text("51 – ")
    assert page.evaluate("scrollY") == place


def test_look_ups_take_few_requests(open_page, demo):
    page, sent = opened(open_page, demo), []
    page.clock.pause_at("2100-01-01")
    page.on("request", lambda request: "/v1/" in request.url and sent.append(request.url))
    for client in demo.ask("GET", "/v1/clients?limit=8")["clients"]:
        page.keyboard.press("/")
        page.keyboard.type(client["email"][:7])
        page.clock.run_for(100)
        page.keyboard.type(client["email"][7:])
        page.keyboard.press("Enter")
        expect(page.locator(".history li").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(ROWS).first).to_be_focused()
    assert len(sent) <= 4 * 8


def test_the_keyboard_alone_finds_edits_and_leaves(open_page, demo):
    page = opened(open_page, demo)
    expect(page.locator(ROWS)).to_have_count(50)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(ROWS).nth(1)).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_label("First name")).to_be_focused()
    page.keyboard.type("/n?e")
    expect(page.get_by_label("First name")).to_have_value(re.compile("/n[?]e$"))  # it is a field
    page.get_by_role("button", name="Cancel").click()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New client")).to_be_visible()
    for typed in ("Key", "Board", "", "", "se"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Key Board")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    expect(page.locator(ROWS).first).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("open the client")


def test_a_note_comes_before_the_others_whatever_happens_meanwhile(open_page, agency):
    client = agency.create(last_name="Noted", notes="Old.")
    page = opened(open_page, agency, f"client/{client['id']}")
    page.get_by_label("New note").fill("She called.")
    expect(page.locator(".history li").first).to_be_visible()
    page.clock.pause_at("2100-01-01")
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#wait")).to_contain_text("You are offline.")
    page.get_by_role("button", name="Stop").click()
    page.locator(".back").click()
    expect(page.locator("p.note")).to_contain_text("Noted")  # it is a draft
    page.context.set_offline(False)
    page.locator("p.note").get_by_role("link", name="Noted").click()
    expect(page.locator(".history li").first).to_be_visible()
    agency.put(client, notes="Theirs.\n\nOld.", tags=["due:2100-01-01"])
    page.get_by_role("button", name="Save note").click()
    expect(page.locator(".lines")).to_contain_text("She called.")
    notes = agency.get(client)["notes"]
    assert NOTED.match(notes)
    assert notes.endswith(" She called.\n\nTheirs.\n\nOld.")
    page.keyboard.press("Control+z")
    expect(page.locator(".entries").first).not_to_contain_text("She called.")
    undone = agency.get(client)
    assert (undone["notes"], undone["tags"]) == ("Theirs.\n\nOld.", ["due:2100-01-01"])


def test_the_status_saves_on_enter_and_is_undone(open_page, agency):
    client = agency.create(last_name="Statused")
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator(".history li")).to_have_count(1)
    agency.put(client, source="theirs")
    page.get_by_label("Status").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Status")).to_have_value("closed")
    page.keyboard.press("Enter")
    expect(page.locator(".history li").first).to_contain_text("Active → Closed")  # no arrow has saved
    assert (agency.get(client)["status"], agency.get(client)["source"]) == ("closed", "theirs")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#status")).to_have_value("active")
    assert agency.get(client)["status"] == "active"


def test_a_file_has_all_clients_that_the_filters_match(open_page, demo):
    page = opened(open_page, demo, "?client_type=buyer&page=2")
    expect(page.locator(".total")).to_contain_text("51 – ")
    with page.expect_download() as started:
        page.get_by_text("More", exact=True).click()
        page.get_by_role("button", name="Download CSV").click()
    with open(started.value.path(), encoding="utf-8-sig", newline="") as file:
        types = [row["client_type"] for row in csv.DictReader(file)]
    assert types == ["buyer"] * demo.total("client_type=buyer")
    assert started.value.suggested_filename.endswith(".csv")
