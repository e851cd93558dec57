"""People who click twice, type on, press Escape and go back while the server is slow or away."""

import pytest
from playwright.sync_api import expect
from support.agency import Agency
from web.browser.test_limits import exhaust

ROWS = "table.clients tbody td.name a"


@pytest.fixture
def limited(start):
    server = start("--rate-limit", "20/20")
    return Agency(server.url, server.key)


def edit(page, agency, client):
    page.goto(f"{agency.url}/#/client/{client['id']}/edit")
    expect(page.get_by_label("Notes")).to_be_visible()


def test_a_form_cannot_be_edited_while_it_is_saved(open_page, limited):
    client = limited.create()
    page = open_page(limited.link)
    edit(page, limited, client)
    page.get_by_label("Notes").fill("Before")
    exhaust(limited)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#wait")).to_be_visible()
    page.get_by_label("Notes").focus()
    page.keyboard.type(" lost")
    assert page.locator("#field-notes").input_value() == "Before"
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#wait")).to_be_hidden()
    page.get_by_label("Notes").fill("Before and after")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said")).to_have_text("Saved.")
    expect(page.locator(".facts")).to_contain_text("Before and after")


def test_a_limit_reached_while_one_types_keeps_the_text(open_page, limited):
    for name in ("Zoe", "Zacharias"):
        limited.create(first_name=name)
    page = open_page(limited.link)
    expect(page.locator(ROWS)).to_have_count(2)
    exhaust(limited)
    page.get_by_label("Search").press_sequentially("z")
    expect(page.locator("#wait")).to_contain_text("Too many requests.")
    page.get_by_label("Search").press_sequentially("oe", delay=300)
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.get_by_label("Search")).to_have_value("zoe")
    expect(page.locator("#wait")).to_be_hidden()


def test_a_first_page_that_is_stopped_can_be_tried_again(open_page, limited):
    exhaust(limited)
    page = open_page(limited.link)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_contain_text("Stopped.")
    expect(page.locator("#wait")).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="No clients yet")).to_be_visible()


def test_escape_does_not_leave_the_sign_in(open_page, agency):
    page = open_page(agency.url)
    for _ in range(3):
        expect(page.get_by_label("API key")).to_be_visible()
        page.keyboard.press("Escape")
    page.get_by_label("API key").fill(agency.key)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text("Broker")


@pytest.mark.parametrize("key", ["ключ", "a\u200bb", "“abc”", "x\ty"])
def test_a_key_that_no_header_can_have_is_refused(open_page, agency, key):
    page = open_page(agency.url)
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The server does not accept this key.")


def test_a_pasted_key_may_have_spaces_around_it(open_page, agency):
    page = open_page(agency.url)
    page.get_by_label("API key").fill(f"\u200b {agency.key} ")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#who")).to_contain_text("Broker")


def test_a_link_with_a_key_works_in_an_open_page(open_page, agency):
    page = open_page(agency.url)
    expect(page.get_by_label("API key")).to_be_visible()
    page.goto(agency.link)
    expect(page.locator("#who")).to_contain_text("Broker")
    assert agency.key not in page.url
    page.go_back()
    assert agency.key not in page.url


def test_going_back_restores_the_search_that_has_the_focus(open_page, demo):
    page = open_page(demo.link)
    page.get_by_label("Status").select_option("closed")
    page.get_by_label("Search").fill("zoe")
    expect(page.locator(".total")).to_contain_text(f"{demo.total('q=zoe&status=closed')} client")
    page.go_back()
    expect(page.get_by_label("Search")).to_have_value("")
    expect(page.get_by_label("Status")).to_have_value("")


def test_leaving_a_form_that_waits_keeps_what_was_typed(open_page, limited):
    client = limited.create()
    page = open_page(limited.link)
    edit(page, limited, client)
    page.get_by_label("Notes").fill("Kept")
    exhaust(limited)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#wait")).to_be_visible()
    page.get_by_role("link", name="Clients", exact=True).click()
    expect(page.locator(ROWS)).to_have_count(1)
    edit(page, limited, client)
    expect(page.get_by_label("Notes")).to_have_value("Kept")
    expect(page.get_by_text("You have unsaved changes.")).to_be_visible()


def test_a_refused_client_is_corrected_and_created_once(open_page, agency):
    page = open_page(agency.link)
    page.goto(f"{agency.url}/#/new")
    page.get_by_label("First name").fill("Ana")
    page.get_by_label("Type").first.select_option("both")
    page.get_by_role("button", name="Save").dblclick()
    expect(page.locator("#field-last_name-problem")).to_have_text("Last name is required.")
    page.get_by_label("Last name").fill("Corrected")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ana Corrected")).to_be_visible()
    assert agency.total("q=corrected") == 1


def test_both_changes_are_saved_once_by_a_double_click(open_page, agency):
    client = agency.create()
    page = open_page(agency.link)
    edit(page, agency, client)
    page.get_by_label("Notes").fill("Mine")
    agency.put(client, source="Theirs")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Save both changes").dblclick()
    expect(page.locator("#said")).to_have_text("Saved.")
    assert agency.get(client)["version"] == 3


def test_a_link_with_a_filter_that_does_not_exist_says_why(open_page, demo):
    page = open_page(demo.link)
    page.goto(f"{demo.url}/#/?status=nonsense&q={'x' * 10_000}")
    expect(page.get_by_role("alert")).to_contain_text("Status must be one of active, inactive, closed.")
    page.get_by_role("link", name="Clients", exact=True).click()
    expect(page.locator(ROWS)).to_have_count(25)
