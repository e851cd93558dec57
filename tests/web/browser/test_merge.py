"""Two clients who are one person become one."""

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
    page.get_by_role("radio", name="0171 9999999").check()


def press_merge(page):
    page.get_by_role("button", name="Merge", exact=False).click()


def is_there(agency, client):
    return client["id"] in [one["id"] for one in agency.ask("GET", "/v1/clients?q=twin&limit=100")["clients"]]


@both_engines
def test_two_are_found_chosen_and_merged(open_page, agency, twins):
    mine, other = twins
    page = opened(open_page, agency, f"client/{mine['id']}")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Merge…").click()
    page.locator(f"a[href$='/merge/{other['id']}']").click()
    choose(page)
    expect(page.get_by_role("row", name="Phone").locator(".after")).to_have_text("0171 9999999")
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text(re.compile("Jordan Twin.* was merged and deleted."))
    saved = agency.get(mine)
    names = ("phone", "email", "tags", "version")
    assert [saved[name] for name in names] == ["0171 9999999", "t@example.com", ["vip", "fair"], 2]
    merged = re.escape("Merged with Jordan Twin, t@example.com, 0171 9999999.")
    assert re.fullmatch(rf"{BY_BROKER}{merged}\n\nTwo dogs\.", saved["notes"])
    assert not is_there(agency, other)


def test_the_other_one_is_kept_instead(open_page, agency, twins):
    mine, other = twins
    page = merging(open_page, agency, mine, other)
    page.get_by_role("link", name="Keep the other one instead").click()
    expect(page.locator("thead th").nth(1)).to_contain_text("kept · since")
    expect(page.get_by_role("row", name="Phone").locator(".after")).to_have_text(other["phone"])


def test_escape_on_a_choice_leaves_the_merge(open_page, agency, twins):
    mine, other = twins
    page = merging(open_page, agency, mine, other)
    choose(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Jordan Twin")).to_be_visible()


def test_undo_brings_both_back_as_they_were(open_page, agency, twins):
    mine, other = twins
    page = merging(open_page, agency, mine, other)
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    agency.put(mine, source="Fair")  # which the merge has not touched
    page.locator(SAID).get_by_role("button", name="Undo").click()
    expect(page.locator(SAID)).to_have_text("Both clients are as they were.")
    names = ("email", "phone", "tags", "notes")
    assert [agency.get(mine)[name] for name in names] == [mine[name] for name in names]
    assert [agency.get(other)[name] for name in names] == [other[name] for name in names]


def test_undo_leaves_a_client_alone_who_has_changed_since(open_page, agency, twins):
    mine, other = twins
    page = merging(open_page, agency, mine, other)
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    agency.put(mine, tags=["theirs"])
    page.locator(SAID).get_by_role("button", name="Undo").click()
    expect(page.locator(SAID)).to_contain_text("The other client was restored. Not undone: ")
    assert agency.get(mine)["email"] == other["email"]
    assert is_there(agency, other)


def test_the_warning_about_a_duplicate_leads_to_the_merge(open_page, agency, twins):
    _, other = twins
    page = opened(open_page, agency, "new")
    for name, text in (("First name", "Jo"), ("Last name", "Unsaved"), ("Phone", other["phone"])):
        page.get_by_label(name).fill(text)
    page.keyboard.press("Tab")
    page.locator(f"a[href*='{other['id']}/merge']").click()
    page.get_by_role("radio", name="Jo Unsaved").check()
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was merged.")
    assert agency.get(other)["last_name"] == "Unsaved"
    page.locator(SAID).get_by_role("button", name="Undo").click()
    expect(page.locator(SAID)).to_have_text("Both clients are as they were.")
    page.goto(f"{agency.url}/#/")
    expect(page.locator("p.note")).to_contain_text("Jo Unsaved, not saved")


@pytest.mark.parametrize("number", [0, 1])
def test_a_change_of_either_is_shown_before_the_merge(open_page, agency, twins, number):
    mine, other = twins
    page = merging(open_page, agency, mine, other)
    agency.put(twins[number], source="Fair")
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("has changed.")
    expect(page.get_by_role("row", name="Source").locator(".after")).to_have_text("Fair")
    assert is_there(agency, other)


def test_a_failure_between_the_two_steps_loses_nothing(open_page, agency, twins):
    mine, other = twins
    agency.put(other, notes="2026-01-02 10:00 eva: Called.\n\nNo answer.")
    page = merging(open_page, agency, mine, other)
    failed = {"success": False, "error": {"code": "INTERNAL_ERROR", "message": "Out of order."}}

    def fail(route):
        if route.request.method != "DELETE":
            return route.continue_()
        return route.fulfill(status=500, json=failed)

    page.route(re.compile(f"{other['id']}$"), fail)
    press_merge(page)
    expect(page.locator(SAID)).to_have_text("Out of order.")
    page.unroute_all()
    press_merge(page)
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    notes = r".*: Merged with .*\.\n\n2026-01-02 10:00 eva: Called\.\n\nNo answer\.\n\nTwo dogs\."
    assert re.fullmatch(notes, agency.get(mine)["notes"])
    assert not is_there(agency, other)
