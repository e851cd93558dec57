"""A day of calls: from one client of a list to the next, and follow-ups."""

import datetime
import re

import pytest
from playwright.sync_api import expect
from web.browser.conftest import ROWS, both_engines, opened

WALK, SAID = "nav.walk", "#said"
TODAY = datetime.date.today


@pytest.fixture(scope="module")
def callers(agency):
    """An agency with 60 active clients, in pages of 50 and 10."""
    for number in range(60):
        agency.create(last_name=f"Number{number:02}", tags=["walk"])
    return agency


@both_engines
def test_a_walk_keeps_its_order_whatever_changes(open_page, callers):
    page = opened(open_page, callers, "?q=walk&status=active&sort=updated_at")
    names = [
        row["last_name"]
        for row in callers.ask("GET", "/v1/clients?q=walk&sort=updated_at&limit=100")["clients"]
    ]
    page.locator(ROWS).nth(45).click()
    sent = []
    page.on("request", lambda request: "/v1/" in request.url and sent.append(request.url))
    for number, name in enumerate(names[45:50], 45):
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Jordan {name}")
        expect(page.locator(WALK)).to_contain_text(f"{number + 1} of 50")
        if number % 4 == 0:
            page.keyboard.press("a")
            page.keyboard.type("Called.")
            page.keyboard.press("Control+Enter")
            expect(page.locator(".lines")).to_contain_text("Called.")
        elif number % 4 == 1:
            page.locator("#status").select_option("inactive")
            expect(page.locator(".history li").first).to_contain_text("→ Inactive")
            page.get_by_role("heading", level=1).click()
        page.keyboard.press("j")
    page.keyboard.press("j")  # the page of the list has no more
    expect(page.locator(WALK)).to_contain_text("50 of 50")
    assert len(sent) <= 2 * 5 + 6 * 3  # a change is saved and read again
    page.keyboard.press("k")
    expect(page.locator(WALK)).to_contain_text("49 of 50")
    page.keyboard.press("Escape")
    expect(page.locator(".total")).to_contain_text("1 – 50 of ")
    for client in callers.ask("GET", "/v1/clients?q=walk&status=inactive")["clients"]:
        callers.put(client, status="active")


def test_escape_leaves_a_note_and_keeps_it(open_page, agency):
    page = opened(open_page, agency, f"client/{agency.create()['id']}")
    expect(page.locator(".history li").first).to_be_visible()
    page.keyboard.press("a")
    page.keyboard.type("x")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator("#note")).to_have_value("x")


@both_engines
def test_a_follow_up_is_set_listed_and_done(open_page, agency):
    client = agency.create(last_name="Followed", tags=["due:2020-01-01", "vip"])
    page = opened(open_page, agency, "due")
    expect(page.locator("#due-count .late")).to_have_text("1 overdue")
    expect(page.locator(ROWS)).to_have_text(["Jordan Followed"])
    expect(page.locator("td.due-date .late")).to_have_text("Jan 1, 2020")
    page.locator(ROWS).click()
    expect(page.locator(".facts .tags")).to_have_text("vip")
    page.get_by_label("Follow up", exact=True).select_option(label="Tomorrow")
    page.get_by_role("button", name="Save note").click()
    tomorrow = TODAY() + datetime.timedelta(1)
    expect(page.locator(".heading time")).to_have_text("Tomorrow")
    expect(page.locator("#due-count .due")).to_have_count(0)
    (saved,) = [tag for tag in agency.get(client)["tags"] if tag.startswith("due:")]
    assert abs(datetime.date.fromisoformat(saved[4:]) - tomorrow) <= datetime.timedelta(1)  # the page's zone
    page.get_by_label("New note").fill("Met her.")
    page.get_by_role("button", name="Save and done").click()
    expect(page.locator(".lines")).to_contain_text("Met her.")
    assert agency.get(client)["tags"] == ["vip"]


def test_titles_of_windows_name_list_filter_and_client(open_page, agency):
    client = agency.create(last_name="Titled")
    page = opened(open_page, agency)
    for where, title in (
        ("", "^\u2068Clients\u2069$"),
        ("?q=zoe&status=active", "^\u2068Clients: Search: zoe, Status: Active\u2069"),
        ("due", "^\u2068Due\u2069"),
        ("?deleted=true", "^\u2068Deleted clients\u2069"),
        (f"client/{client['id']}", "^\u2068Jordan Titled\u2069"),
        ("people", "^\u2068People\u2069"),
    ):
        page.goto(f"{agency.url}/#/{where}")
        expect(page).to_have_title(re.compile(title))


def test_a_new_client_left_unfinished_waits_in_a_line(open_page, agency):
    page = opened(open_page, agency, "new")
    page.get_by_label("First name").fill("Anna")
    page.get_by_label("Last name").fill("Beck")
    page.goto(f"{agency.url}/#/new?q=carla")
    expect(page.get_by_label("First name")).to_have_value("Carla")
    expect(page.locator("p.note")).to_have_text("Anna Beck, not saved: continue or discard")
    page.get_by_role("link", name="Continue: Anna Beck").click()
    expect(page.get_by_label("Last name")).to_have_value("Beck")
    page.reload()
    expect(page.get_by_label("Last name")).to_have_value("Beck")
    page.goto(f"{agency.url}/#/new")
    page.get_by_role("button", name="Discard: Anna Beck").click()
    page.goto(f"{agency.url}/#/")
    expect(page.locator("p.note")).to_have_count(0)


def test_a_contact_is_saved_for_a_telephone(open_page, agency):
    page = opened(open_page, agency, f"client/{agency.create(phone='+49 (0)40 4711-8812')['id']}")
    with page.expect_download() as started:
        page.get_by_text("More", exact=True).click()
        page.get_by_role("button", name="Save contact").click()
    assert started.value.suggested_filename == "Jordan Lee.vcf"
    with open(started.value.path(), encoding="utf-8", newline="") as file:
        assert "\r\nN:Lee;Jordan;;;\r\nTEL:+494047118812\r\n" in file.read()


def test_the_old_text_of_notes_is_put_beside_the_later_ones(open_page, agency):
    client = agency.create(notes="Two dogs.")
    agency.put(client, notes="Two cats.")
    agency.put(client, notes="A later note.\n\nTwo cats.")
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator(".history li")).to_have_count(3)
    page.get_by_role("button", name="Use old value").click()  # there is one: additions have none
    expect(page.get_by_role("textbox", name="Notes")).to_have_value("Two dogs.\n\nA later note.\n\nTwo cats.")
