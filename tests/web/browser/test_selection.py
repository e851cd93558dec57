"""Clients are selected in the list, and changed at once."""

import re

from playwright.sync_api import expect
from support.http import Agency
from web.browser.conftest import NUMBERS, ROWS, both_engines, opened, person

SELECTED, CHANGE = "#selection", "#change"


def create(agency, count):
    """Clients of a name that no others have, in the order of their names."""
    name = f"Row{next(NUMBERS)}x"
    return name, [agency.create(last_name=f"{name}{number:02}", tags=[]) for number in range(count)]


def listed(open_page, agency, count, **options):
    """The page with the list of new clients, their name, and the clients."""
    name, clients = create(agency, count)
    page = opened(open_page, agency, f"?q={name}&sort=name", **options)
    expect(page.locator(ROWS)).to_have_text([f"Jordan {client['last_name']}" for client in clients[:50]])
    return page, name, clients


def change(page, kind, value):
    page.locator(SELECTED).get_by_role("button", name=kind).locator("visible=true").click()
    field = page.locator("dialog [name=value]")
    if field.evaluate("field => field.matches('select')"):
        field.select_option(label=value)
    else:
        field.fill(value)
    page.locator("dialog .main").click()


def select_page(page):
    page.get_by_label("Select this page").click()


@both_engines
def test_a_range_is_selected_by_keyboard_and_stays_in_another_list(open_page, agency):
    page, name, _ = listed(open_page, agency, 4)
    for key in ("j", "x", "j", "j", "X"):
        page.keyboard.press(key)
    expect(page.locator("tbody tr:has(:checked) .name")).to_have_text(
        [f"Jordan {name}{n:02}" for n in range(3)]
    )
    expect(page.locator(SELECTED)).to_contain_text("3 selected")
    page.get_by_label("Search").fill(f"{name}02")
    page.get_by_text("2 not shown").click()
    expect(page.locator(SELECTED).get_by_role("link")).to_have_text([f"Jordan {name}00", f"Jordan {name}01"])


def test_a_click_with_shift_selects_a_range(open_page, agency):
    page, *_ = listed(open_page, agency, 4)
    page.locator("td.select").nth(3).click()
    page.locator("td.select").nth(1).click(modifiers=["Shift"])
    expect(page.locator(SELECTED)).to_contain_text("3 selected")


def test_all_that_match_are_selected(open_page, agency):
    page, *_ = listed(open_page, agency, 60)
    select_page(page)
    page.locator(SELECTED).get_by_role("button", name="Select all 60").click()
    expect(page.locator(SELECTED)).to_contain_text("60 selected10 not shown")


def test_escape_leaves_the_search_then_the_selection(open_page, agency):
    page, *_ = listed(open_page, agency, 1)
    select_page(page)
    page.get_by_label("Search").fill("")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.locator(SELECTED)).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.locator(SELECTED)).to_be_hidden()


@both_engines
def test_ten_clients_get_a_tag_and_the_change_is_undone(open_page, agency):
    page, name, clients = listed(open_page, agency, 10)
    agency.put(clients[4], tags=["FAIR", "vip"])
    page.reload()
    select_page(page)
    page.locator(SELECTED).get_by_role("button", name="Add tag").locator("visible=true").click()
    page.keyboard.type("fair")
    expect(page.get_by_role("dialog")).to_contain_text(
        f"1 unchanged, because already set: \u2068Jordan {name}04\u2069."
    )
    page.keyboard.press("Enter")
    expect(page.locator(CHANGE)).to_contain_text("9 of 9 now have the tag fair")
    expect(page.locator("tbody :checked")).to_have_count(0)  # nor the one that had it
    assert agency.total(f"q={name}&tag=fair") == 10
    page.keyboard.press("Control+z")
    expect(page.locator(CHANGE)).to_contain_text("Undone: 9 of 9")
    assert agency.total(f"q={name}&tag=fair") == 1


def test_a_change_can_be_undone_while_the_next_clients_are_selected(open_page, agency):
    page, name, _ = listed(open_page, agency, 2)
    select_page(page)
    change(page, "Set status", "Closed")
    expect(page.locator(CHANGE)).to_contain_text("2 of 2 now have the status Closed")
    page.locator("td.select").first.click()
    expect(page.locator(SELECTED)).to_contain_text("1 selected")
    page.get_by_role("button", name="Undo 2").click()
    expect(page.locator(CHANGE)).to_contain_text("Undone: 2 of 2")
    assert agency.total(f"q={name}&status=active") == 2
    expect(page.locator(SELECTED)).to_contain_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.locator(SELECTED)).to_be_hidden()


def test_two_changes_of_the_same_clients_are_undone_one_after_the_other(open_page, agency):
    page, _, clients = listed(open_page, agency, 2)
    for kind, value in (("Set status", "Closed"), ("Add tag", "fair")):
        select_page(page)
        change(page, kind, value)
        expect(page.locator(CHANGE)).to_contain_text(f"2 of 2 now have the {kind[4:]} {value}")
    for status, tags in (("closed", []), ("active", [])):
        page.get_by_role("heading", level=1).focus()
        page.keyboard.press("Control+z")
        expect(page.locator(CHANGE)).to_contain_text("Undone: 2 of 2")
        expect(page.locator("td.status").first).to_have_text(status.title())
        saved = [agency.get(client) for client in clients]
        assert [(client["status"], client["tags"]) for client in saved] == [(status, tags)] * 2


def test_an_undo_waits_for_the_change_that_runs(open_page, agency):
    page, *_ = listed(open_page, agency, 2)
    page.locator("td.select").first.click()
    change(page, "Set status", "Closed")
    expect(page.locator(CHANGE)).to_contain_text("1 of 1 now has the status Closed")
    held = []
    page.route("**/v1/clients/*", lambda route: held.append(route), times=1)
    page.locator("td.select").nth(1).click()
    change(page, "Set status", "Inactive")
    expect(page.locator("progress")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator("#said")).to_have_text("Wait for the change at the bottom to end, then undo again.")
    held[0].continue_()
    expect(page.locator("td.status")).to_have_text(["Closed", "Inactive"])
    for number in (1, 0):
        page.keyboard.press("Control+z")
        expect(page.locator("td.status").nth(number)).to_have_text("Active")


def test_a_change_without_a_connection_says_so(open_page, agency):
    page, *_ = listed(open_page, agency, 2)
    select_page(page)
    page.context.set_offline(True)
    change(page, "Set status", "Closed")
    expect(page.locator(CHANGE)).to_contain_text("0 of 2, waiting 1 second. You are offline.")
    page.context.set_offline(False)
    expect(page.locator(CHANGE)).to_contain_text("2 of 2 now have the status Closed")


def test_a_client_that_was_changed_meanwhile_is_named_and_tried_again(open_page, agency):
    page, name, clients = listed(open_page, agency, 3)
    select_page(page)
    agency.put(clients[1], tags=["theirs"])
    change(page, "Add tag", "fair")
    expect(page.locator(CHANGE)).to_contain_text("2 of 3 now have the tag fair")
    expect(page.locator(CHANGE).get_by_role("listitem")).to_have_text(
        f"Jordan {name}01 was changed by broker"
    )
    expect(page.locator("tbody tr:has(:checked) .name")).to_have_text(f"Jordan {name}01")
    page.get_by_role("button", name="Try 1 again").click()
    expect(page.locator(CHANGE)).to_contain_text("3 of 3 now have the tag fair")
    assert agency.get(clients[1])["tags"] == ["theirs", "fair"]
    page.keyboard.press("Control+z")
    expect(page.locator(CHANGE)).to_contain_text("Undone: 3 of 3")
    page.keyboard.press("Control+z")  # nothing is left
    expect(page.locator(CHANGE)).to_contain_text("Undone: 3 of 3")


def test_a_selected_client_is_changed_as_the_list_has_read_it_again(open_page, agency):
    page, _, clients = listed(open_page, agency, 1)
    select_page(page)
    agency.put(clients[0], status="inactive")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("td.status")).to_have_text("Inactive")
    change(page, "Add tag", "fair")
    expect(page.locator(CHANGE)).to_contain_text("1 of 1 now has the tag fair")


def test_an_answer_that_was_lost_is_no_failure(open_page, agency):
    page, *_ = listed(open_page, agency, 2)
    select_page(page)
    lost = []

    def lose(route):
        lost.append(route.fetch())
        route.abort()

    page.route("**/v1/clients/*", lose, times=1)
    change(page, "Add tag", "fair")
    expect(page.locator(CHANGE)).to_contain_text("2 of 2 now have the tag fair")
    assert [answer.status for answer in lost] == [200]


def test_undo_leaves_a_client_alone_that_a_colleague_has_changed_since(open_page, agency):
    _, colleague = person(agency, role="broker")
    page, name, clients = listed(open_page, agency, 3)
    select_page(page)
    change(page, "Set status", "Closed")
    expect(page.locator(CHANGE)).to_contain_text("3 of 3 now have the status Closed")
    expect(page.locator("td.status")).to_have_text(["Closed"] * 3)
    colleague.put(clients[0], source="theirs")
    agency.put(clients[1], source="mine")
    page.get_by_role("button", name="Undo 3").click()
    expect(page.locator(CHANGE)).to_contain_text("Undone: 2 of 3")
    expect(page.locator(CHANGE).get_by_role("link")).to_have_text(f"Jordan {name}00")
    assert agency.total(f"q={name}&status=closed") == 1


def test_a_change_leaves_a_reserve_of_the_limit(open_page, start):
    server = start("--rate-limit", "40/16")
    agency = Agency(server.url, server.key)
    create(agency, 20)
    page = opened(open_page, agency)
    select_page(page)
    remaining = []
    page.on("response", lambda answer: remaining.append(int(answer.headers.get("ratelimit-remaining", 40))))
    page.locator(SELECTED).get_by_role("button", name="Follow up").locator("visible=true").click()
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"then about 1\d\d a minute"))
    page.locator("dialog [name=value]").fill("2999-01-01")
    page.locator("dialog .main").click()
    expect(page.locator(CHANGE)).to_contain_text("20 of 20 now have the follow-up Jan 1, 2999")
    assert min(remaining) >= 14  # half of this small limit, without what the page itself asks for


def test_a_change_that_is_stopped_can_go_on(open_page, agency):
    page, name, _ = listed(open_page, agency, 8)
    sent = []

    def handle(route):
        sent.append(route.request.method)
        if sent.count("PUT") < 4:
            route.continue_()
        else:
            route.fulfill(status=429, headers={"Retry-After": "60"}, json={})

    page.route("**/v1/clients/*", handle)
    select_page(page)
    change(page, "Set status", "Closed")
    expect(page.locator(CHANGE)).to_contain_text("3 of 8, waiting 60 seconds")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(CHANGE)).to_contain_text("3 of 8 now have the status Closed")
    assert agency.total(f"q={name}&status=closed") == 3
    page.unroute("**/v1/clients/*")
    page.get_by_role("button", name="Try 5 again").click()
    expect(page.locator(CHANGE)).to_contain_text("8 of 8 now have the status Closed")


def test_a_phone_has_one_menu_for_all_changes(open_page, agency):
    page, *_ = listed(open_page, agency, 2, viewport={"width": 390, "height": 844})
    page.locator("td.select").first.click()
    page.get_by_text("Change…", exact=True).click()
    change(page, "Set status", "Inactive")
    expect(page.locator(CHANGE)).to_contain_text("1 of 1 now has the status Inactive")
