"""What is asked for at first."""

from playwright.sync_api import expect
from web.browser.conftest import ROWS, opened, until


def test_the_list_is_asked_for_once_before_all_modules_are_there(open_page, agency):
    agency.create(last_name="Early")
    page, sent, held = opened(open_page, agency), [], []
    expect(page.locator(ROWS).first).to_be_visible()
    page.on("request", lambda request: "/v1/" in request.url and sent.append(request.url))
    page.route("**/page.mjs", lambda route: held.append(route), times=1)
    with page.expect_request(lambda request: request.url.endswith("/v1/clients?")):
        page.evaluate("location.reload()")
    until(page, lambda: held)
    assert len(sent) == 3  # with who is signed in, and the others
    held[0].continue_()
    expect(page.locator(ROWS).first).to_be_visible()
    expect(page.locator("#due-count")).to_have_text("0")
    assert len(sent) == 4  # with what is due
