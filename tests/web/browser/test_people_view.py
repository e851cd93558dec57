"""The people of the agency and their keys, and who owns a client."""

import re

from playwright.sync_api import expect
from support.http import Agency, ask
from web.browser.conftest import both_engines, opened, person

SAID = "#said"


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
    user, theirs = person(agency)
    for number in range(99):
        agency.ask("POST", "/v1/keys", {"user_id": user["id"], "name": f"program {number}"}, 201)
    person(agency)
    page = people(open_page, theirs)
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


def hand_over(page, leaver, heir):
    dialog = open_dialog(page, "Hand over clients", leaver)
    dialog.get_by_label("New owner").select_option(label=heir["email"])
    dialog.get_by_label("Also disable").check()
    dialog.get_by_role("button", name=re.compile(r"Hand over \d clients")).click()
    expect(page.locator(SAID)).to_contain_text("now belong to")


@both_engines
def test_all_clients_of_a_colleague_are_handed_over(open_page, agency):
    (leaver, theirs), (heir, _) = person(agency), person(agency)
    clients = [theirs.create(status=status) for status in ("active", "active", "closed")]
    hand_over(people(open_page, agency), leaver, heir)
    assert {agency.get(client)["user_id"] for client in clients} == {heir["id"]}
    ask(theirs, "GET", "/v1/users/me", status=401)


def test_a_handover_says_what_moves(open_page, agency):
    leaver, theirs = person(agency)
    for fields in ({"tags": ["due:2020-01-01"]}, {"tags": ["due:2999-01-01"]}, {"status": "closed"}):
        theirs.create(**fields)
    page = people(open_page, agency)
    facts = open_dialog(page, "Hand over clients", leaver).locator("dd")
    expect(facts).to_have_text(["2", "0", "1", "2, of which 1 overdue"])


def test_undo_gives_back_what_has_not_changed_since_a_handover(open_page, agency):
    (leaver, theirs), (heir, heirs) = person(agency), person(agency)
    changed, *others = [theirs.create() for _ in range(3)]
    page = people(open_page, agency)
    hand_over(page, leaver, heir)
    heirs.put(changed, source="Fair")
    page.keyboard.press("Control+z")
    expect(page.locator("#dock").get_by_role("status").filter(has_text="2 of 3")).to_be_visible()
    expect(page.locator(SAID)).to_be_empty(timeout=2_000)  # long before it disappears
    assert {agency.get(client)["user_id"] for client in others} == {leaver["id"]}
    assert agency.get(changed)["user_id"] == heir["id"]
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)  # nor done again
    ask(theirs, "GET", "/v1/users/me")


def test_revoking_a_key_offers_those_that_were_made_with_it(open_page, agency):
    user, theirs = person(agency)
    made = theirs.ask("POST", "/v1/keys", {"name": "work phone", "invitation": True}, 201)
    page = people(open_page, agency)
    expect(card(page, user).get_by_role("listitem").first).to_contain_text(
        re.compile(r"work phone .*Unused invitation.* Ends \w+ \d+, \d{4}, ")
    )
    card(page, user).get_by_role("button", name="Revoke: own").click()
    page.get_by_label("Also revoke the keys that were made with it").check()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(card(page, user).get_by_role("listitem")).to_have_count(0)
    ask(Agency(agency.url, made["key"]), "GET", "/v1/users/me", status=401)


def test_an_agent_sees_only_their_own_keys(open_page, agency):
    _, theirs = person(agency)
    page = people(open_page, theirs)
    expect(page.get_by_role("heading", name="My keys")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("listitem")).to_contain_text("You use this key")
    expect(page.locator("#main").get_by_role("button")).to_have_text(
        ["New invitation link", "Key for a web form", "Revoke"]
    )


def test_a_new_client_can_be_given_to_a_colleague(open_page, agency):
    owner, theirs = person(agency)
    page = opened(open_page, agency, "new")
    page.get_by_label("First name").fill("Ana")
    page.get_by_label("Last name").fill("Given")
    page.get_by_label("Owner").select_option(label=owner["email"])
    page.get_by_role("button", name="Save").click()
    expect(page.locator(SAID)).to_contain_text("Created.")
    assert theirs.total("q=given") == 1
