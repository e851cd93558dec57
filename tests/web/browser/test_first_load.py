"""What is asked for and loaded at first, before and after the first list."""

import pytest
from playwright.sync_api import expect
from web.browser.conftest import ROWS, opened, until


@pytest.fixture
def loading(open_page, agency):
    """A page that is loaded again, what it asks the API for, and what ends the wait for its last module."""
    agency.create(last_name="Early")
    page, sent, held = opened(open_page, agency), [], []
    expect(page.locator(ROWS).first).to_be_visible()
    page.on("request", lambda request: "/v1/" in request.url and sent.append(request.url))
    page.route("**/page.mjs", lambda route: held.append(route), times=1)
    with page.expect_request(lambda request: request.url.endswith("/v1/clients?")):
        page.evaluate("location.reload()")
    until(page, lambda: held)
    return page, sent, held[0].continue_


def test_the_list_is_asked_for_once_before_all_modules_are_there(loading):
    page, sent, go_on = loading
    assert len(sent) == 3  # with who is signed in, and the others
    go_on()
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator("#due-count")).to_have_text("0")
    assert len(sent) == 4  # with what is due


def test_what_the_first_view_did_not_need_is_read_anew(loading, agency):
    page, _, go_on = loading
    page.evaluate("location.hash = '#/new'")
    go_on()
    expect(page.get_by_label("First name")).to_be_visible()
    agency.create(last_name="Newest")
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator(ROWS).first).to_have_text("Jordan Newest")


def test_the_first_client_is_loaded_before_it_is_opened(open_page, agency):
    client = agency.create(last_name="Prepared")
    page = open_page(agency.url)
    with page.expect_response("**/changes.mjs"):  # the last module of a client
        page.get_by_label("Your key").fill(agency.key)
        page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.locator(f"{ROWS}[href$='{client['id']}']").click()
    expect(page.get_by_role("heading", name="Jordan Prepared")).to_be_visible()


def test_the_list_can_be_used_after_a_client_that_never_came(open_page, agency):
    client = agency.create(last_name="Slow")
    page = opened(open_page, agency, "?q=nobody-is-called-so")
    expect(page.get_by_text("No clients found.")).to_be_visible()
    page.route(f"**/v1/clients/{client['id']}", lambda route: None)
    page.evaluate("id => { location.hash = `#/client/${id}`; }", client["id"])
    expect(page.locator("main")).to_have_attribute("inert", "")
    page.go_back()
    page.get_by_label("Search").fill("slow")
    expect(page.locator(ROWS)).to_have_text(["Jordan Slow"])
