"""The people of the agency and their keys, and who owns a client."""

import itertools
import re

import pytest
from playwright.sync_api import expect
from support.http import Agency, ask
from test_accessibility import check
from web.browser.conftest import both_engines, opened

SAID = "#said"
FULL = {"all": ["read", "write"]}
NUMBERS = itertools.count()


def add(agency, scopes=FULL, **fields):
    """A new person, and the agency as they call it."""
    email = f"person{next(NUMBERS)}@example.com"
    user = agency.ask("POST", "/v1/users", {"email": email, "role": "agent", **fields}, 201)
    made = agency.ask("POST", "/v1/keys", {"user_id": user["id"], "name": "own", "scopes": scopes}, 201)
    return user, Agency(agency.url, made["key"])


def people(open_page, agency, **options):
    page = opened(open_page, agency, "people", **options)
    expect(page.locator("section.card").first).to_be_visible()
    return page


def card(page, user):
    return page.locator("section.card", has=page.locator(f'h2 bdi[title="{user["email"]}"]'))


def open_dialog(page, action, user):
    card(page, user).get_by_role("button", name=action).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    return page.get_by_role("dialog")


def test_valid_keys_are_shown_however_many_there_are(open_page, agency):
    """The oldest is on the second page of the list."""
    user, person = add(agency)
    for number in range(99):
        agency.ask("POST", "/v1/keys", {"user_id": user["id"], "name": f"program {number}"}, 201)
    add(agency)
    page = people(open_page, person)
    expect(card(page, user).locator("ul.keys > li")).to_have_count(100)
    expect(card(page, user)).to_contain_text("own")
    page = people(open_page, agency)
    expect(card(page, user)).to_contain_text("own")


def test_a_colleague_signs_in_with_the_link_that_is_shown_once(open_page, agency):
    page = people(open_page, agency)
    page.get_by_role("button", name="Add a colleague").click()
    page.keyboard.type("new@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("Copied.")
    link = page.get_by_role("dialog").locator("code").text_content()
    page.get_by_role("button", name="Close").click()
    expect(card(page, {"email": "new@example.com"})).to_contain_text("Never used")
    expect(page.locator("dialog code")).to_have_count(0)
    assert link.partition("=")[2] not in page.content()
    theirs = open_page(link)
    theirs.get_by_role("button", name="Sign in with the invitation").click()
    expect(theirs.locator("#who bdi")).to_have_attribute("title", "new@example.com")
    theirs.get_by_role("link", name="New client").first.click()
    expect(theirs.get_by_label("First name")).to_be_visible()
    expect(theirs.get_by_label("Owner")).to_be_hidden()


def test_a_disabled_colleague_is_signed_out_until_enabled(open_page, agency):
    user, theirs = add(agency)
    page = people(open_page, agency)
    for status in (401, 200):
        dialog = open_dialog(page, "Edit", user)
        dialog.get_by_label("Disabled").click()
        dialog.get_by_role("button", name="Save").click()
        expect(card(page, user).locator(".badge.disabled")).to_have_count(int(status == 401))
        ask(theirs, "GET", "/v1/users/me", status=status)


@both_engines
def test_all_clients_of_a_colleague_are_handed_over(open_page, agency):
    (leaver, theirs), (heir, _) = add(agency), add(agency)
    clients = [theirs.create() for _ in range(3)]
    page = people(open_page, agency)
    dialog = open_dialog(page, "Hand over clients", leaver)
    expect(dialog.get_by_role("heading")).to_have_text(f"Hand over 3 clients of {leaver['email']}")
    dialog.get_by_label("New owner").select_option(label=heir["email"])
    dialog.get_by_label("Also disable").check()
    dialog.get_by_role("button", name="Hand over").click()
    said = f"The clients of {leaver['email']} now belong to {heir['email']}."
    expect(page.locator(SAID)).to_have_text(said)
    assert {agency.get(client)["user_id"] for client in clients} == {heir["id"]}
    ask(theirs, "GET", "/v1/users/me", status=401)


def test_revoking_a_key_offers_those_that_were_made_with_it(open_page, agency):
    user, theirs = add(agency)
    made = theirs.ask("POST", "/v1/keys", {"name": "work phone", "invitation": True}, 201)
    page = people(open_page, agency)
    expect(card(page, user).get_by_role("listitem").first).to_contain_text(
        re.compile(
            r"work phone .*Unused invitation.* Ends \w+ \d+, \d{4}, "
        )  # those that end soon come first
    )
    card(page, user).get_by_role("button", name="Revoke: own").click()
    page.get_by_label("Also revoke the keys that were made with it:").check()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(card(page, user).get_by_role("listitem")).to_have_count(0)
    ask(Agency(agency.url, made["key"]), "GET", "/v1/users/me", status=401)


def test_an_agent_sees_only_their_own_keys(open_page, agency, axe):
    _, theirs = add(agency)
    page = people(open_page, theirs)
    expect(page.get_by_role("heading", name="My keys")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("listitem")).to_contain_text("You use this key")
    expect(page.locator("#main").get_by_role("button")).to_have_text(
        ["New invitation link", "Key for a web form", "Revoke"]
    )
    check(page, axe)


def test_a_key_for_a_web_form_only_creates_clients(open_page, agency):
    user, theirs = add(agency)
    page = people(open_page, theirs)
    page.get_by_role("button", name="Key for a web form").click()
    key = page.get_by_role("dialog").locator("code").text_content()
    page.get_by_role("button", name="Close").click()
    expect(card(page, user).get_by_text("Only adds clients")).to_have_count(1)
    form = Agency(agency.url, key)
    assert form.create()["user_id"] == user["id"]
    ask(form, "GET", "/v1/clients", status=403)


def test_a_key_without_the_right_to_see_keys_says_so(open_page, agency):
    _, limited = add(agency, {"clients": ["read"]})
    page = open_page(limited.link)
    page.get_by_role("link", name="My keys").click()
    expect(page.locator("#main")).to_contain_text("lacks the scope keys:read")
    expect(page.get_by_role("heading", name=re.compile("person"))).to_be_visible()  # what they may see


def test_a_broker_who_becomes_an_agent_sees_what_an_agent_sees(open_page, agency):
    user, theirs = add(agency, role="broker")
    page = people(open_page, theirs)
    dialog = open_dialog(page, "Edit", user)
    dialog.get_by_label("Role").select_option("agent")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="My keys")).to_be_visible()
    expect(page.locator("#top nav a[aria-current]")).to_have_text("My keys")


def edit_owner(page, agency, client, owner):
    page.goto(f"{agency.url}/#/client/{client['id']}/edit")
    page.get_by_label("Owner").select_option(label=owner["email"])


def test_a_new_client_can_be_given_to_a_colleague(open_page, agency):
    owner, theirs = add(agency)
    page = opened(open_page, agency, "new")
    page.get_by_label("First name").fill("Ana")
    page.get_by_label("Last name").fill("Given")
    page.get_by_label("Type").first.select_option("both")
    page.get_by_label("Owner").select_option(label=owner["email"])
    page.get_by_role("button", name="Save").click()
    expect(page.locator(SAID)).to_have_text("Created.")
    assert theirs.total("q=given") == 1


def test_the_rest_is_saved_if_the_new_owner_was_disabled(open_page, agency):
    (owner, _), (other, _), client = add(agency), add(agency), agency.create()
    page = open_page(agency.link)
    edit_owner(page, agency, client, owner)
    page.get_by_label("Notes").fill("kept")
    agency.ask("PUT", f"/v1/users/{owner['id']}", {"disabled": True})
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#field-user_id-problem")).to_contain_text(f"{owner['email']} is disabled")
    assert agency.get(client)["notes"] == "kept"
    page.get_by_label("Owner").select_option(label=other["email"])
    page.get_by_role("button", name="Save").click()
    expect(page.locator(SAID)).to_have_text("Saved.")


@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_in_people_and_its_questions(open_page, agency, axe, width):
    user, theirs = add(agency)
    theirs.create()
    page = people(open_page, agency, viewport={"width": width, "height": 900})
    check(page, axe)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for action in ("Edit", "Hand over clients", "Revoke", "New invitation link"):
        open_dialog(page, action, user)
        check(page, axe)
        page.keyboard.press("Escape")
