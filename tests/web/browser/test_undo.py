"""Deleting is undone, deleted clients are restored, and earlier values are used again."""

import re

from playwright.sync_api import expect
from web.browser.conftest import both_engines, delete, opened

WHO_AND_WHEN = re.compile(r"broker, \w+ \d+, \d{4}, \d+:\d\d")


def test_the_keyboard_alone_deletes_and_undoes(open_page, agency):
    client = agency.create(last_name="Keyboard")
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_focused()
    page.reload()  # without a list, in which the next client would get the focus
    expect(page.get_by_role("heading", name="Keyboard")).to_be_focused()
    for key in (*["Tab"] * 3, "Enter", *["Tab"] * 3, "Enter", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("status").filter(has_text="was deleted.")).to_be_visible()
    expect(page.get_by_role("heading", name="Clients", exact=True)).to_be_focused()
    assert agency.total("q=keyboard") == 0
    page.keyboard.press(".")
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("The client was restored.")
    assert agency.get(client)["last_name"] == "Keyboard"


def test_a_deleted_client_is_found_and_restored(open_page, agency):
    client = agency.create(last_name="Foundagain")
    agency.ask("DELETE", f"/v1/clients/{client['id']}")
    page = open_page(agency.link, viewport={"width": 360, "height": 800})
    page.get_by_label("Search").fill(client["last_name"])
    page.get_by_role("link", name="Search deleted clients").click()
    expect(page.locator(".total")).to_contain_text("1 client")
    expect(page.locator("td.deleted")).to_have_text(WHO_AND_WHEN)
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name="No client found for")).to_be_visible()
    page.locator("#said").get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", name=client["last_name"])).to_be_visible()


@both_engines
def test_the_page_of_a_deleted_client_says_who_and_restores(open_page, agency):
    client = agency.create(last_name="Pagedeleted", phone="555-0177")
    agency.ask("DELETE", f"/v1/clients/{client['id']}")
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator("#main > p").first).to_have_text(WHO_AND_WHEN)
    expect(page.locator(".facts")).to_contain_text("555-0177")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("heading", name="Pagedeleted")).to_be_visible()
    expect(page.locator(".history li").first).to_contain_text("Restored")


def test_the_history_says_what_was_changed_and_puts_it_back(open_page, agency):
    client = agency.create(phone="(661) 555-0142", property_preferences={"bedrooms_min": 2, "pool": True})
    agency.put(client, phone="(661) 555-0199", property_preferences={"bedrooms_min": 3, "pool": True})
    page = opened(open_page, agency, f"client/{client['id']}")
    newest = page.locator(".history li").first
    expect(newest).to_contain_text("Phone: (661) 555-0142")
    expect(newest).to_contain_text("→ (661) 555-0199")
    expect(newest).to_contain_text(re.compile(r"\d+:\d\d.* · broker"))
    expect(newest.locator("> div:not(.hint)")).to_have_count(2)  # no word of the pool
    newest.get_by_role("button", name="Use old value: Bedrooms at least, 2").click()
    expect(page.locator(".marked").get_by_label("Bedrooms at least")).to_be_focused()
    expect(page.get_by_label("Bedrooms at least")).to_have_value("2")
    expect(page.get_by_label("Phone")).to_have_value("(661) 555-0199")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".history li").first).to_contain_text("Bedrooms at least: 3")
    assert agency.get(client)["property_preferences"] == {"bedrooms_min": 2, "pool": True}


def test_an_undone_note_leaves_the_others(open_page, agency):
    client = agency.create(notes="One.\n\nTwo.", tags=["due:2026-12-15"])
    page = opened(open_page, agency, f"client/{client['id']}")
    page.get_by_role("button", name="Save and done").click()
    expect(page.locator("#said")).to_contain_text("Saved.")
    page.keyboard.press("Control+z")
    expect(page.locator("#said")).to_contain_text("Undone: ")
    saved = agency.get(client)
    assert (saved["notes"], saved["tags"]) == (client["notes"], client["tags"])


def test_a_note_that_a_colleague_has_continued_is_not_undone(open_page, agency):
    client = agency.create()
    page = opened(open_page, agency, f"client/{client['id']}")
    page.keyboard.press("a")
    page.keyboard.type("hello")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("Saved.")
    notes = f"{agency.get(client)['notes']}, confirmed by Tom"
    agency.put(client, notes=notes)
    page.keyboard.press("Control+z")
    expect(page.locator("#said")).to_have_text("Not undone: the client was changed in the meantime.")
    assert agency.get(client)["notes"] == notes


def test_a_held_key_undoes_one_change(open_page, agency):
    client = agency.create()
    page = opened(open_page, agency, f"client/{client['id']}")
    for status in ("inactive", "closed"):
        page.locator("#status").select_option(status)
        expect(page.locator(".history li").first).to_contain_text(status.title())
    for key in ("Control", "z", "z"):
        page.keyboard.down(key)
    expect(page.locator(".history li").first).to_contain_text("Inactive")
    page.wait_for_timeout(500)
    assert agency.get(client)["status"] == "inactive"


def test_a_shortcut_is_not_typed_into_a_form_that_loads(open_page, agency):
    client = agency.create()
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator(".history li")).to_have_count(1)
    held = []
    page.route("**/v1/clients/*", lambda route: held.append(route), times=1)
    with page.expect_request("**/v1/clients/*"):
        page.keyboard.press("e")
    page.keyboard.press("Control+z")
    page.keyboard.type("X")
    held[0].continue_()
    expect(page.get_by_label("First name")).to_have_value(re.compile("X"))
    assert page.get_by_label("First name").input_value() in ("JordanX", "XJordan")


def test_the_history_shows_a_note_that_was_taken_back_alone(open_page, agency):
    client = agency.create(notes="2026-11-23 16:12 broker: Toured.\n\nOlder.")
    agency.put(client, notes="Older.")
    page = opened(open_page, agency, f"client/{client['id']}")
    expect(page.locator(".history li").first).to_have_text(
        re.compile(r"Notes: \u2212 2026-11-23 16:12 broker: Toured\.(Use old value)?$")
    )


def test_the_dock_covers_neither_buttons_nor_fields_of_a_form(open_page, agency):
    client = agency.create(last_name="Docked")
    page = opened(open_page, agency, f"client/{client['id']}", viewport={"width": 390, "height": 600})
    delete(page)
    expect(page.locator("#said")).to_contain_text("was deleted.")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New client")).to_be_visible()
    page.get_by_role("textbox", name="Notes").focus()
    tops = [page.locator(one).bounding_box() for one in ("#dock", ".client > .bar", "[name=notes]")]
    dock, buttons, notes = ((box["y"], box["y"] + box["height"]) for box in tops)
    assert notes[1] <= buttons[0] < buttons[1] <= dock[0] + 1
    assert dock[1] == 600


def test_a_message_stays_ten_seconds_and_while_it_has_the_focus(open_page, agency):
    client = agency.create(last_name="Lasting")
    page = opened(open_page, agency, f"client/{client['id']}")
    page.clock.pause_at("2100-01-01")
    delete(page)
    said = page.locator("#said")
    expect(said).to_contain_text("was deleted.")
    page.clock.run_for(9_000)
    expect(said).to_contain_text("was deleted.")
    page.keyboard.press(".")
    page.clock.run_for(5_000)
    expect(said.get_by_role("button", name="Undo")).to_be_focused()
    page.get_by_role("heading", name="Clients", exact=True).focus()
    page.clock.run_for(1_000)
    expect(said).to_be_empty()
