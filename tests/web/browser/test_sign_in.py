"""Signing in: with a key, or with a link that has one."""

import pytest
from playwright.sync_api import expect

ROWS = "table.clients tbody td.name a"


def test_escape_does_not_leave_the_sign_in(open_page, agency):
    page = open_page(agency.url)
    for _ in range(3):
        expect(page.get_by_label("Your key")).to_be_visible()
        page.keyboard.press("Escape")
    page.get_by_label("Your key").fill(agency.key)
    page.keyboard.press("Enter")
    expect(page.locator("#who")).to_contain_text("Broker")


@pytest.mark.parametrize("key", ["ключ", "a\u200bb", "“abc”", "x\ty"])
def test_a_key_that_no_header_can_have_is_refused(open_page, agency, key):
    page = open_page(agency.url)
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The server does not accept this key.")


def test_a_link_with_a_key_works_in_an_open_page(open_page, agency):
    page = open_page(agency.url)
    expect(page.get_by_label("Your key")).to_be_visible()
    page.goto(agency.link)
    expect(page.locator("#who")).to_contain_text("Broker")
    assert agency.key not in page.url
    page.go_back()
    assert agency.key not in page.url


def test_the_link_of_the_demo_signs_in_and_hides_the_key(open_page, demo):
    page = open_page(demo.link)
    expect(page.locator(ROWS)).to_have_count(25)
    assert page.url == f"{demo.url}/#/"
    expect(page.locator("#who")).to_contain_text("dana.whitfield@example.com")
    expect(page.locator("#who")).to_contain_text("Broker")
    assert page.evaluate("history.length") == 2  # about:blank, and the page without the key


def test_a_key_is_asked_for_and_kept_for_the_tab_alone(open_page, demo):
    page = open_page(demo.url)
    page.get_by_label("Your key").fill("f" * 64)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("The server does not accept this key.")
    page.get_by_label("Your key").fill(demo.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(ROWS)).to_have_count(25)
    page.reload()
    expect(page.locator(ROWS)).to_have_count(25)
    assert page.evaluate("localStorage.length") == 0
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_key_may_be_kept_in_the_browser(open_page, demo):
    page = open_page(demo.url)
    page.get_by_label("Your key").fill(demo.key)
    page.get_by_label("Stay signed in").check()
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(ROWS)).to_have_count(25)
    other = page.context.new_page()
    other.goto(demo.url)
    expect(other.locator(ROWS)).to_have_count(25)
