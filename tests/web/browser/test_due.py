"""The follow-ups that are due: done, put off, and brought back."""

import datetime

from playwright.sync_api import expect
from web.browser.conftest import NUMBERS, ROWS, both_engines, opened, person

GROUPS = ".group th"


def create(agency, *days):
    """Clients with a follow-up in so many days, and the name that they alone have."""
    name = f"Due{next(NUMBERS)}x"
    today = datetime.datetime.now(datetime.UTC).date()
    dates = [today + datetime.timedelta(number) for number in days]
    return name, [
        agency.create(last_name=f"{name}{number:02}", tags=["vip", f"due:{date}"])
        for number, date in enumerate(dates)
    ]


def listed(open_page, agency, *days):
    """The page with the follow-ups of new clients, their name, and the clients."""
    name, clients = create(agency, *days)
    page = opened(open_page, agency, f"due?q={name}", timezone_id="UTC")
    expect(page.locator(ROWS)).to_have_text([f"Jordan {client['last_name']}" for client in clients])
    return page, name, clients


def test_follow_ups_stand_in_four_groups_with_their_numbers(open_page, agency):
    page, *_ = listed(open_page, agency, -2, -1, 0, 1, 7, 8)
    expect(page.locator(GROUPS)).to_have_text(["Overdue 2", "Today 1", "Next 7 days 2", "Later 1"])
    expect(page.locator(".total")).to_have_text("6 follow-ups")


def test_a_group_spans_no_column_that_has_given_way(open_page, agency):
    page, *_ = listed(open_page, agency, -1)
    page.set_viewport_size({"width": 1000, "height": 700})
    width = "cell => cell.closest('table').getBoundingClientRect().right - cell.getBoundingClientRect().right"
    assert page.locator("th.acts").evaluate(width) < 1


def test_more_than_a_page_of_follow_ups_are_listed(open_page, agency):
    name, _ = create(agency, *[9] * 101)
    page = opened(open_page, agency, f"due?q={name}")
    expect(page.locator(GROUPS)).to_have_text("Later 101")


def test_a_row_has_the_last_note_and_its_day(open_page, agency):
    name, clients = create(agency, 0)
    agency.put(clients[0], notes="2026-11-23 09:30 broker: Toured.\nGarden is right.\n\nOlder.")
    page = opened(open_page, agency, f"due?q={name}")
    expect(page.locator("td.last-note")).to_have_text("Nov 23: Toured.\nGarden is right.")


@both_engines
def test_a_follow_up_is_done_from_its_row_and_brought_back(open_page, agency):
    page, _, clients = listed(open_page, agency, -1, 0, 3)
    page.keyboard.press("j")
    page.keyboard.press("d")
    expect(page.locator(ROWS).first).to_be_focused()
    expect(page.locator("#said")).to_contain_text("Done: ")
    expect(page.locator(GROUPS)).to_have_text(["Today 1", "Next 7 days 1"])
    assert agency.get(clients[0])["tags"] == ["vip"]
    page.keyboard.press("Control+z")
    expect(page.locator(GROUPS)).to_have_text(["Overdue 1", "Today 1", "Next 7 days 1"])
    expect(page.locator("#said")).to_contain_text("Undone: ")
    assert agency.get(clients[0])["tags"] == clients[0]["tags"]


def test_ctrl_z_takes_back_one_after_another(open_page, agency):
    page, _, clients = listed(open_page, agency, -2, -1, 0)
    page.keyboard.press("j")
    for number in range(2):
        page.keyboard.press("d")
        expect(page.locator("#said")).to_contain_text(f"Done: \u2068Jordan {clients[number]['last_name']}")
    for number in (1, 0):
        page.keyboard.press("Control+z")
        undone = f"Undone: \u2068Jordan {clients[number]['last_name']}\u2069."
        expect(page.locator("#said")).to_have_text(undone)
        expect(page.locator(ROWS)).to_have_count(3 - number)
    page.keyboard.press("Control+z")
    expect(page.locator(GROUPS)).to_have_text(["Overdue 2", "Today 1"])
    assert [agency.get(client)["tags"] for client in clients] == [client["tags"] for client in clients]


def test_a_row_leaves_at_once_and_returns_if_the_change_is_refused(open_page, agency):
    page, *_ = listed(open_page, agency, -1, 0)
    held = []
    page.route("**/v1/clients/*", lambda route: held.append(route))
    page.get_by_role("button", name="Done: ").first.click()
    expect(page.locator(GROUPS)).to_have_text(["Today 1"])
    held[0].fulfill(status=403, json={"error": {"message": "Not allowed."}})
    expect(page.locator(GROUPS)).to_have_text(["Overdue 1", "Today 1"])
    expect(page.locator("#said")).to_have_text("Not allowed.")


def test_a_follow_up_is_put_off_by_keyboard(open_page, agency):
    page, name, _ = listed(open_page, agency, 0, 1)
    for key in ("j", "l", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(GROUPS)).to_have_text(["Next 7 days 2"])
    expect(page.locator(ROWS).first).to_be_focused()
    expect(page.locator(ROWS).last).to_have_text(f"Jordan {name}00")


def test_what_a_colleague_has_done_is_not_undone(open_page, agency):
    page, _, clients = listed(open_page, agency, 0)
    agency.put(clients[0], tags=["vip"])
    page.get_by_role("button", name="Done: ").click()
    expect(page.locator("#said")).to_contain_text("Done: ")
    expect(page.locator("#said")).not_to_contain_text("Undo")


def test_a_follow_up_that_was_moved_meanwhile_stays(open_page, agency):
    page, _, clients = listed(open_page, agency, 0)
    agency.put(clients[0], tags=["due:2999-01-01"])
    page.get_by_role("button", name="Done: ").click()
    expect(page.locator("#said")).to_contain_text("was changed in the meantime.")
    expect(page.locator(GROUPS)).to_have_text(["Later 1"])
    assert agency.get(clients[0])["tags"] == ["due:2999-01-01"]


def test_a_broker_keeps_to_their_own_on_this_device(open_page, agency):
    create(agency, 0)
    _, other = person(agency, role="broker")
    name, _ = create(other, -1, 0)
    page = opened(open_page, other, "due", timezone_id="UTC")
    page.get_by_text("Mine", exact=True).click()
    expect(page.locator(ROWS)).to_have_text([f"Jordan {name}00", f"Jordan {name}01"])
    expect(page.locator("#due-count")).to_have_text("1 overdue 1 today")
    page.keyboard.press("j")
    expect(page.locator(ROWS).first).to_be_focused()
    page.goto(f"{other.url}/#/")
    page.reload()
    page.locator("#due").click()
    expect(page.get_by_label("Mine")).to_be_checked()
    expect(page.locator(ROWS)).to_have_count(2)
