"""Two people change one client at the same time, each in a browser of their own."""

import re

from playwright.sync_api import expect
from web.browser.conftest import both_engines, opened, person


def both_edit(open_page, agency, **fields):
    """Two people's browsers with the form of a new client; the second is dana's."""
    client, (_, dana) = agency.create(**fields), person(agency, "dana", "broker")
    pages = [open_page(agency.link), open_page(dana.link)]
    for page in pages:
        page.goto(f"{agency.url}/#/client/{client['id']}/edit")
        expect(page.get_by_label("First name")).to_be_visible()
    return client, *pages


def save(page, **values):
    for label, text in values.items():
        page.get_by_label(label.replace("_", " ")).fill(text)
    page.get_by_role("button", name="Save client").click()


def test_changes_to_different_fields_are_merged(open_page, agency):
    client, mine, theirs = both_edit(
        open_page, agency, property_preferences={"bedrooms_min": 2, "bathrooms_min": 1, "pool": True}
    )
    save(theirs, Phone="(559) 555-0100", Bedrooms="3")
    expect(theirs.locator("#said")).to_contain_text("Saved.")
    save(mine, Source="Open day", Bathrooms="2")
    expect(mine.get_by_role("alert")).to_have_text(re.compile(r"saved by dana\S+, \w+ \d+, \d{4}, "))
    expect(mine.get_by_label("Phone")).to_have_value("(559) 555-0100")
    expect(mine.locator("#field-phone-hint")).to_contain_text("changed this: – → (559) 555-0100")
    save(mine)
    expect(mine.locator("#said")).to_contain_text("Saved.")
    saved = agency.get(client)
    assert (saved["source"], saved["phone"], saved["version"]) == ("Open day", "(559) 555-0100", 3)
    assert saved["property_preferences"] == {"bedrooms_min": 3, "bathrooms_min": 2, "pool": True}


@both_engines
def test_changes_to_one_field_ask_which_to_keep(open_page, agency):
    client, mine, theirs = both_edit(open_page, agency)
    save(theirs, Phone="111", Source="Theirs")
    expect(theirs.locator("#said")).to_contain_text("Saved.")
    save(mine, Phone="222", Source="Mine", Notes="Mine")
    expect(mine.locator("#field-phone-hint")).to_contain_text("changed this: – → 111")
    mine.reload()
    save(mine)  # the browser asks for a choice
    mine.locator("#field-phone-hint").get_by_role("button", name="Keep your value").click()
    mine.locator("#field-source-hint").get_by_role("button", name="Use their value").click()
    save(mine)
    expect(mine.locator("#said")).to_contain_text("Saved.")
    saved = agency.get(client)
    assert (saved["phone"], saved["source"], saved["notes"]) == ("222", "Theirs", "Mine")
    assert saved["version"] == 3  # each has saved once


def test_a_change_in_another_window_is_ones_own(open_page, agency):
    client = agency.create()
    page = opened(open_page, agency, f"client/{client['id']}/edit")
    page.get_by_label("Source").fill("Mine")
    agency.put(client, source="Other window", phone="1")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("You changed this client elsewhere")
    expect(page.get_by_role("button", name="Use the saved value")).to_be_visible()


def test_what_was_typed_for_a_client_who_is_gone_is_kept(open_page, agency):
    _, agent = person(agency, "agent", "agent")
    client = agent.create()
    page = open_page(agent.link)
    page.goto(f"{agency.url}/#/client/{client['id']}/edit")
    page.get_by_role("textbox", name="Notes").fill("Mine")
    me = agency.ask("GET", "/v1/users/me")["id"]
    agency.ask("POST", f"/v1/clients/{client['id']}/owner", {"user_id": me})
    save(page)
    expect(page.get_by_role("heading", name="Client not found")).to_be_visible()
    page.locator("p.note a").click()
    expect(page.get_by_role("textbox", name="Notes")).to_have_value("Mine")
