"""Keyboards, screen readers, every width, light and dark."""

import json

import pytest
from playwright.sync_api import expect
from web.browser.conftest import opened

#: The address of each view, and what is there once it is shown.
VIEWS = {
    "": "td.name a",
    "?q=zzzz": ".empty a",
    "client/{id}": ".history li",
    "client/{id}/edit": "h1:has-text('Edit')",
    "new": "h1:has-text('New client')",
    "due": "td.acts summary",
    "match": "h2:has-text('Which property?')",
    "match?price=450k&status=any": "td.name a",
    "client/{id}/merge": "h1:has-text('Merge with')",
    "client/{id}/merge/{other}": "h1:has-text('Merge two')",
    "people": "h1:has-text('People')",
}
#: The buttons that open a dialog, each with its view.
DIALOGS = [
    ("", "Add tag"),
    *(("people", name) for name in ("Add a colleague", "Edit", "Hand over clients", "Revoke")),
]


def visit(page, demo, view):
    client, other = demo.ask("GET", "/v1/clients?limit=2")["clients"]
    page.goto(f"{demo.url}/#/{view.format(id=client['id'], other=other['id'])}")
    expect(page.locator(VIEWS[view]).first).to_be_visible()


def check(page, axe):
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run()).violations")
    told = [(violation["id"], [node["html"][:200] for node in violation["nodes"]][:3]) for violation in found]
    assert told == [], json.dumps(told, indent=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page, demo, axe, scheme):
    page = open_page(demo.url, color_scheme=scheme)
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, axe)
    page.goto("about:blank")
    page.goto(demo.link)
    for view in VIEWS:
        visit(page, demo, view)
        check(page, axe)
    for view, name in DIALOGS:
        visit(page, demo, view)
        if name == "Add tag":
            page.get_by_text("More", exact=True).click()
            page.get_by_role("button", name="Select all").click()
            check(page, axe)
        page.get_by_role("button", name=name).last.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        check(page, axe)
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 360, "height": 800})
    visit(page, demo, "")
    check(page, axe)


def test_axe_finds_nothing_in_problems_conflicts_and_questions(open_page, agency, axe):
    page = opened(open_page, agency, "new")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[aria-invalid]").first).to_be_visible()
    check(page, axe)
    client = agency.create()
    page.goto(f"{agency.url}/#/client/{client['id']}/edit")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Edit")  # no longer the form of before
    page.get_by_role("textbox", name="Notes").fill("mine")
    page.get_by_label("Source").fill("mine")
    agency.put(client, notes="theirs", phone="1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Keep your value").first).to_be_visible()
    check(page, axe)
    page.goto(f"{agency.url}/#/client/{client['id']}")
    expect(page.locator(".history li")).to_have_count(2)
    check(page, axe)
    page.get_by_text("More", exact=True).click()
    check(page, axe)
    page.get_by_role("button", name="Delete").click()
    check(page, axe)
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    check(page, axe)
    for where, title in (("?deleted=true", "Deleted clients"), (f"client/{client['id']}", "Jordan Lee")):
        page.goto(f"{agency.url}/#/{where}")
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.get_by_role("button", name="Restore")).to_be_visible()
        check(page, axe)


def test_nothing_is_wider_than_a_narrow_window(open_page, demo):
    page = open_page(demo.link, viewport={"width": 320, "height": 900})
    for view in VIEWS:
        visit(page, demo, view)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
