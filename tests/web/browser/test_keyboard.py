"""The keyboard alone, in Chromium: calls, follow-ups, and two clients that are one."""

from playwright.sync_api import expect
from web.browser.conftest import ROWS, opened
from web.browser.test_calls import SAID, WALK

FOCUSED = """() => {
  const node = document.activeElement;
  const isControl = node.matches('a, button, summary, input, select, textarea');
  return isControl ? node.ariaLabel ?? (node.labels?.[0] ?? node).textContent : '';
}"""


def reach(page, name, key="Tab"):
    """Press a key until a control of this name has the focus."""
    seen = []
    while name not in page.evaluate(FOCUSED):
        page.keyboard.press(key)
        seen.append(page.evaluate(FOCUSED))
        assert len(seen) < 60, f"{name} is out of reach: {seen}"


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_a_walk_goes_on_and_back_by_keyboard(open_page, agency):
    for number in range(3):
        agency.create(last_name=f"Walked{number}")
    page = opened(open_page, agency, "?q=walked&sort=name")
    expect(page.locator(ROWS)).to_have_text([f"Jordan Walked{number}" for number in range(3)])
    press(page, "j", "Enter")
    for key, place in (("j", "2"), ("j", "3"), ("j", "3"), ("k", "2")):
        expect(page.locator(".history li").first).to_be_visible()
        page.keyboard.press(key)
        expect(page.locator(WALK)).to_contain_text(f"{place} of 3")
        expect(page.get_by_role("heading", name=f"Walked{int(place) - 1}")).to_be_focused()
    reach(page, "Previous", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(WALK)).to_contain_text("1 of 3")
    page.keyboard.press("Escape")
    expect(page.locator(ROWS).first).to_be_focused()


def test_two_are_merged_by_keyboard(open_page, agency):
    mine = agency.create(last_name="Pair", phone="0171 2345678")
    agency.create(last_name="Otherpair", phone="0171 9999999")
    page = opened(open_page, agency, f"client/{mine['id']}")
    expect(page.get_by_role("heading", name="Jordan Pair")).to_be_focused()
    reach(page, "More")
    page.keyboard.press("Enter")
    reach(page, "Merge")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Search")).to_be_focused()
    page.keyboard.type("otherpair")
    expect(page.locator(ROWS)).to_have_text("Jordan Otherpair")
    reach(page, "Jordan Otherpair")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Merge two clients")).to_be_focused()
    for name in ("Jordan Pair", "0171 2345678"):
        reach(page, name)
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Enter")
    expect(page.locator(SAID)).to_contain_text("was merged and deleted.")
    saved = agency.get(mine)
    assert (saved["last_name"], saved["phone"]) == ("Otherpair", "0171 9999999")
    assert agency.total("q=otherpair") == 1


def test_a_follow_up_is_set_and_done_by_keyboard(open_page, agency):
    client = agency.create(last_name="Followed")
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator(".history li").first).to_be_visible()
    press(page, "a", "Tab")
    page.keyboard.type("Today")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".heading time")).to_have_text("Today")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    reach(page, "Due", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(ROWS)).to_have_text(["Jordan Followed"])
    press(page, "j", "Enter", "a")
    page.keyboard.type("Met her.")
    reach(page, "Save and done")
    page.keyboard.press("Enter")
    expect(page.locator(".lines")).to_contain_text("Met her.")
    assert agency.get(client)["tags"] == []
    press(page, "Control+z")
    expect(page.locator(".heading time")).to_have_text("Today")
    assert agency.get(client)["notes"] is None
