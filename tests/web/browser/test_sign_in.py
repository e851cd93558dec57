"""Signing in: with a key, or with a link that has one."""

import re

import pytest
from playwright.sync_api import expect
from web.browser.conftest import ROWS, both_engines, person


@pytest.mark.parametrize("key", ["ключ", "f" * 64])
def test_a_key_that_is_not_valid_is_refused(open_page, agency, key):
    page = open_page(agency.url)
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This key is not valid. Ask for a new one.")


def test_a_link_with_a_key_works_in_an_open_page(open_page, agency):
    page = open_page(agency.url)
    expect(page.get_by_label("Your key")).to_be_visible()
    page.goto(agency.link)
    expect(page.locator("#who")).to_contain_text("Broker")
    assert agency.key not in page.url
    page.go_back()
    assert agency.key not in page.url
    page.goto(f"{agency.url}/#key={'f' * 64}")
    expect(page.locator("#said")).to_have_text("This key is not valid. Ask for a new one.")
    expect(page.locator("#who")).to_contain_text("Broker")


def sign_in(page, key):
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_signing_in_lasts_across_tabs_until_signing_out(open_page, demo):
    page = open_page(demo.url)
    sign_in(page, f" {demo.link} ")  # a whole invitation
    expect(page.locator(ROWS)).to_have_count(50)
    with page.context.expect_page() as opened:
        page.locator(ROWS).first.click(modifiers=["Control"])
    other = opened.value
    expect(other.locator(".facts").first).to_be_visible()
    page.locator("#who summary").click()
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, other):
        expect(tab.get_by_label("Your key")).to_be_visible()
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_on_a_shared_computer_the_key_stays_in_the_tab(open_page, demo):
    page = open_page(demo.url)
    page.get_by_label("shared computer").check()
    sign_in(page, demo.key)
    expect(page.locator(ROWS)).to_have_count(50)
    page.reload()
    expect(page.locator(ROWS)).to_have_count(50)
    assert page.evaluate("localStorage.length") == 0
    other = page.context.new_page()
    other.goto(demo.url)
    expect(other.get_by_label("Your key")).to_be_visible()


def test_a_link_asks_before_it_replaces_another_person(open_page, agency):
    user, theirs = person(agency)
    page = open_page(agency.link)
    expect(page.locator("#who")).to_contain_text("Broker")
    page.goto(theirs.link)
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("You are signed in as broker@localhost. The link")
    asked.get_by_role("button", name=user["email"]).click()
    for _ in range(2):
        expect(page.locator("#who bdi")).to_have_attribute("title", user["email"])
        page.reload()


@both_engines
def test_an_invitation_works_once_and_signing_out_ends_what_it_gave(open_page, agency):
    name = f"once{len(agency.ask('GET', '/v1/users')['users'])}"
    user = agency.ask("POST", "/v1/users", {"email": f"{name}@example.com", "role": "agent"}, 201)
    made = agency.ask("POST", "/v1/keys", {"user_id": user["id"], "invitation": True}, 201)

    def valid_keys():
        keys = agency.ask("GET", "/v1/keys")["keys"]
        return [key for key in keys if key["user_id"] == user["id"] and key["revoked_at"] is None]

    link = f"{agency.url}/#invite={made['key']}"
    page = open_page(link)
    page.get_by_role("button", name="Sign in with the invitation").click()
    expect(page.locator("#who bdi")).to_have_text(name)
    (own,) = valid_keys()
    assert (own["invitation"], re.match("(Chrome|Firefox), ", own["name"]) is not None) == (False, True)
    used = re.compile(r"This invitation was used or revoked on \w+ \d+, \d{4}, .* Ask for a new one.")
    expect(open_page(link).get_by_role("alert")).to_have_text(used)
    page.goto(f"{agency.url}/#/new")
    page.get_by_label("First name").fill("Unsaved")
    page.locator("#who summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Your key")).to_be_visible()
    assert valid_keys() == []


def test_an_older_browser_gets_a_sentence(browser, agency):
    page = browser.new_page()
    page.route("**/page.mjs", lambda route: route.fulfill(content_type="text/javascript", body="let a ?="))
    page.goto(agency.url)
    expect(page.get_by_text("Chrome or Edge 120, Firefox 121, Safari 17.2, or later")).to_be_visible()
    page.close()
