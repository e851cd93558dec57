"""Two clients who are one person become one."""

import datetime
import re

import pytest
from playwright.sync_api import expect
from web.browser.conftest import both_engines, opened

SAID = "#said"
BY_BROKER = r"\d{4}-\d\d-\d\d \d\d:\d\d broker: "


@pytest.fixture
def twins(agency):
    """The survivor and the other one."""
    mine = agency.create(last_name="Twin", phone="0171 2345678", tags=["vip"], notes="Two dogs.")
    other = agency.create(last_name="Twin", phone="0171 9999999", email="t@example.com", tags=["fair"])
    return mine, other


def merging(open_page, agency, mine, other):
    page = opened(open_page, agency, f"client/{mine['id']}/merge/{other['id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Merge")
    return page


def choose(page):
    page.locator("#field-phone-problem").get_by_role("button", name="0171 9999999").click()


def press_merge(page):
    page.get_by_role("button", name="Merge", exact=True).click()


def is_there(agency, client):
    return client["id"] in [one["id"] for one in agency.ask("GET", "/v1/clients?q=twin&limit=100")["clients"]]


@both_engines
def test_two_are_found_chosen_and_merged(open_page, agency, twins):
    mine, other = twins
    page = opened(open_page, agency, f"client/{mine['id']}")
    page.get_by_role("link", name="Merge…").click()
    page.locator(f"a[href$='{other['id']}']").click()
    expect(page.get_by_label("E-mail")).to_have_value("t@example.com")
    press_merge(page)  # a choice is missing
    choose(page)
    press_merge(page)
    expect(page.locator(SAID)).to_have_text(re.compile("Jordan Twin.* was merged and deleted."))
    saved = agency.get(mine)
    names = ("phone", "email", "tags", "version")
    assert [saved[name] for name in names] == ["0171 9999999", "t@example.com", ["vip", "fair"], 2]
    merged = re.escape("Merged with Jordan Twin, t@example.com, 0171 9999999.")
    assert re.fullmatch(rf"{BY_BROKER}{merged}\n\nTwo dogs\.", saved["notes"])
    assert not is_there(agency, other)
    agency.ask("POST", f"/v1/clients/{other['id']}/restore")


def save_and_merge(page, address):
    """Save a form, and choose to merge in the warning about a duplicate."""
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").locator(f"a[href*='{address}']").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("^Merge .* into "))


def test_the_warning_about_a_duplicate_leads_to_the_merge(open_page, agency, twins):
    mine, other = twins
    page = opened(open_page, agency, f"client/{mine['id']}/edit")
    page.get_by_label("Source").fill("Typed before")
    page.get_by_label("Phone").fill(other["phone"])
    save_and_merge(page, f"merge/{other['id']}")
    expect(page.get_by_label("Source")).to_have_value("Typed before")
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    assert agency.get(mine)["email"] == other["email"]
    assert not is_there(agency, other)


def test_a_change_of_either_asks_again_and_loses_nothing(open_page, agency, twins):
    mine, other = twins
    page = merging(open_page, agency, mine, other)
    choose(page)
    agency.put(other, source="Fair")
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was changed meanwhile. Merge again.")
    expect(page.get_by_label("Source")).to_have_value("Fair")
    agency.put(mine, budget_min=5)
    press_merge(page)
    expect(page.get_by_role("alert")).to_contain_text("changed this client")
    assert is_there(agency, other)
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    saved = agency.get(mine)
    assert (saved["source"], saved["budget_min"], saved["phone"]) == ("Fair", 5, "0171 9999999")


CALLED = "2026-01-02 10:00 eva: Called.\n\nNo answer.\n\nOne cat."


def test_a_change_between_the_two_steps_joins_nothing_twice(open_page, agency, twins):
    mine, other = twins
    agency.put(other, notes=CALLED)
    page = merging(open_page, agency, mine, other)
    choose(page)

    def change_first(route):
        if route.request.method == "DELETE":
            agency.put(other, notes=f"New.\n\n{CALLED}")
        route.continue_()

    page.route(re.compile(f"{other['id']}$"), change_first)
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was changed meanwhile. Merge again.")
    assert is_there(agency, other)
    page.unroute_all()
    page.clock.set_fixed_time(datetime.datetime.now() + datetime.timedelta(hours=1))
    page.reload()
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    pattern = rf"{BY_BROKER}Merged with .*\.\n\n{re.escape(CALLED)}\n\nTwo dogs\.\n\nNew\."
    assert re.fullmatch(pattern, agency.get(mine)["notes"])
    assert not is_there(agency, other)


def test_a_failure_between_the_two_offers_the_second_step(open_page, agency, twins):
    mine, other = twins
    page = merging(open_page, agency, mine, other)
    choose(page)
    failed = {"success": False, "error": {"code": "INTERNAL_ERROR", "message": "Out of order."}}

    def fail(route):
        if route.request.method != "DELETE":
            return route.continue_()
        return route.fulfill(status=500, json=failed)

    page.route(re.compile(f"{other['id']}$"), fail)
    press_merge(page)
    expect(page.get_by_role("alert").first).to_contain_text("has the data of both.")
    assert is_there(agency, other)
    assert agency.get(mine)["email"] == "t@example.com"
    page.unroute_all()
    page.reload()
    page.get_by_role("button", name=re.compile("Delete .*Twin")).click()
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    assert not is_there(agency, other)
