"""The buyers for a property."""

import re

import pytest
from playwright.sync_api import expect
from web.browser.conftest import ROWS, both_engines, opened

HOUSE = {"property_types": ["house"], "bedrooms_min": 3, "bathrooms_min": 2, "square_feet_min": 1500}
FULL = {"preferred_locations": ["Rosedale", "Oildale"], "property_preferences": HOUSE}


@pytest.fixture(scope="module", autouse=True)
def buyers(agency):
    """Four buyers of different fit, and one who is not active."""
    budget = {"budget_min": 400_000, "budget_max": 600_000}
    agency.create(last_name="Open", **budget)
    agency.create(last_name="Full", **budget, **FULL)
    agency.create(last_name="Poor", **FULL, budget_max=300_000)
    agency.create(last_name="Approved", pre_approved=True, pre_approval_amount=550_000, **budget, **FULL)
    agency.create(last_name="Later", status="inactive", **budget, **FULL)


@both_engines
def test_the_buyer_who_fits_best_comes_first(open_page, agency):
    page = opened(open_page, agency)
    page.get_by_role("link", name="Match").click()
    expect(page.get_by_label("Price")).to_be_focused()
    for name, text in {"Price": "525k", "Place": "rosedale", "Type": "House", "Size": "153 m²"}.items():
        page.get_by_label(name, exact=True).fill(text)
    expect(page.locator(ROWS)).to_have_text(["Jordan Approved", "Jordan Full", "Jordan Open"])
    expect(page.locator("td.fit")).to_have_text(["4 of 4", "4 of 4", "1 of 4"])


def test_what_a_buyer_has_left_open_is_said(open_page, agency):
    page = opened(open_page, agency, "match?price=525k")
    row = page.get_by_role("row", name="Jordan Open")
    expect(row.locator("i")).to_have_text(["any place", "anything"])


def test_buyers_of_any_status_are_shown_with_it(open_page, agency):
    page = opened(open_page, agency, "match?price=525k")
    expect(page.get_by_role("status").first).to_have_text("3 active buyers")
    page.get_by_text("Any status").click()
    expect(page.get_by_role("row", name="Jordan Later").locator(".status")).to_have_text("Inactive")


def test_a_property_without_criteria_has_no_list(open_page, agency):
    page = opened(open_page, agency, "match?price=525k")
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_role("heading", name="Which property?")).to_be_visible()
    expect(page.locator(ROWS)).to_have_count(0)


def test_places_are_suggested_from_the_clients(open_page, agency):
    page = opened(open_page, agency, "match?location=o")
    expect(page.locator(ROWS)).to_have_text(["Jordan Open"])
    expect(page.locator("#places option")).to_have_count(0)  # a letter is too little
    page.get_by_label("Place").fill("oi")
    expect(page.locator("#places option")).to_have_text(["Oildale"])
    page.get_by_label("Place").fill("Oildale")
    expect(page.locator("#location-hint")).to_have_text("wanted by 4 clients")


def test_a_price_that_is_no_number_is_said_at_its_field(open_page, agency):
    page = opened(open_page, agency, "match")
    page.get_by_label("Price").fill("cheap")
    expect(page.get_by_label("Price")).to_have_accessible_description(re.compile("must be a number"))


def test_a_walk_goes_through_the_buyers_and_back(open_page, agency):
    page = opened(open_page, agency, "match?price=525k&location=Rosedale")
    page.get_by_role("link", name="Jordan Approved").click()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Jordan Full")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(ROWS)).to_have_count(3)
    expect(page).to_have_url(re.compile("#/match"))


def test_no_buyers_offer_any_status_once(open_page, agency):
    page = opened(open_page, agency, "match?price=9m")
    page.get_by_role("link", name="Any status").click()
    expect(page.get_by_role("radio", name="Any status")).to_be_checked()
    expect(page.get_by_role("heading", name="No buyers found")).to_be_visible()
    expect(page.get_by_role("link", name="Any status")).to_have_count(0)


def test_more_than_500_matches_are_said(open_page, agency):
    page = opened(open_page, agency)
    page.route(re.compile(r"/v1/clients\?"), lambda route: route.fulfill(json=many(route.request.url)))
    page.goto(f"{agency.url}/#/match?price=1&location=Rosedale")
    expect(page.get_by_role("status").first).to_have_text("500 of 1,234 active buyers")
    expect(page.locator("#location-hint")).to_have_text("wanted by at least 100 clients")


def test_a_refusal_is_not_shown_as_no_buyers(open_page, agency):
    page = opened(open_page, agency)
    error = {"code": "INSUFFICIENT_SCOPE", "message": "No."}
    answer = {"status": 403, "json": {"success": False, "error": error}}
    page.route("**/v1/clients?*price=1&*", lambda route: route.fulfill(**answer))
    page.goto(f"{agency.url}/#/match?price=1")
    expect(page.get_by_role("heading", name="Something went wrong")).to_be_visible()


def many(url):
    """A page of 100 of 1,234 clients."""
    page = int((re.search(r"&page=(\d+)", url) or [0, 1])[1])
    client = {
        **{"first_name": "Jo", "last_name": "Lee", "client_type": "buyer", "status": "active"},
        **dict.fromkeys(("budget_min", "budget_max", "pre_approval_amount", "phone")),
        **{"user_id": "u", "preferred_locations": ["Rosedale"], "tags": [], "property_preferences": {}},
        **{"pre_approved": False, "updated_at": "2026-01-01T00:00:00.000Z"},
    }
    clients = [{"id": f"{page}-{at}", **client} for at in range(100)]
    meta = {"page": page, "limit": 100, "total": 1234, "totalPages": 13, "hasMore": True}
    return {"success": True, "data": {"clients": clients, "meta": meta}}
