"""The page behind nginx: under a prefix, and with a sign-in."""

import pytest
from ci.test_offices import TWO, behind, behind_sign_in
from playwright.sync_api import expect
from web.browser.conftest import delete


@pytest.fixture
def offices(tmp_path):
    """The offices at /north and at /."""
    with behind("nginx", tmp_path, TWO) as offices:
        yield offices


def test_the_page_works_under_a_prefix(open_page, offices):
    north, _ = offices
    client = north.create(phone="1")
    page = open_page(north.link)
    page.locator("td.name a").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("textbox", name="Notes").fill("mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said")).to_contain_text("Saved.")
    assert (north.get(client)["notes"], north.get(client)["version"]) == ("mine", 2)


def test_two_agencies_on_one_host_have_keys_of_their_own(open_page, offices):
    page = open_page("about:blank")
    for office in offices:
        page.goto(office.link)
        expect(page.get_by_text("No clients yet")).to_be_visible()
    for office in offices:
        page.goto(office.url)
        expect(page.get_by_text("No clients yet")).to_be_visible()


def test_people_who_are_signed_in_need_no_key(open_page, tmp_path):
    """By a proxy; for people whom an embedding app names, it is the same."""
    person = {"email": "broker@example.com"}
    with behind_sign_in("nginx", tmp_path, person) as url:
        page = open_page(f"{url}/#/new")
        expect(page.locator("#who")).to_contain_text("broker")
        expect(page.locator("#who button", has_text="Sign out")).to_have_count(0)
        page.get_by_label("First name").fill("Ana")
        page.get_by_label("Last name").fill("Intranet")
        person["email"] = None  # the session of the intranet ends
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("What you typed is kept.")
        person["email"] = "broker@example.com"  # signed in again, in another tab
        page.get_by_role("button", name="Try again without a key").click()
        expect(page.get_by_role("heading", name="Ana Intranet")).to_be_visible()
        delete(page)
        expect(page.get_by_text("No clients yet")).to_be_visible()
