"""Limits, restarts and keys that end: the page waits, goes on, and loses nothing that was typed."""

import pytest
from playwright.sync_api import expect
from support.http import Agency
from web.browser.conftest import opened, person


def limit(page, path, seconds):
    """The next request of this path exceeds the limit."""
    answer = {"status": 429, "headers": {"Retry-After": str(seconds)}, "json": {}}
    page.route(path, lambda route: route.fulfill(**answer), times=1)


def test_a_429_is_waited_out_with_a_countdown(open_page, agency):
    page = open_page(agency.link)
    limit(page, "**/v1/clients?limit=50&q=zoe", 3)
    page.get_by_label("Search").fill("zoe")
    expect(page.locator("#wait")).to_contain_text("Too many requests. Trying again in 3 s.")
    expect(page.get_by_role("heading", name="No client found for")).to_be_visible()
    expect(page.locator("#wait")).to_be_hidden()


def fill_notes(page, agency, client):
    page.goto(f"{agency.url}/#/client/{client['id']}/edit")
    page.get_by_role("textbox", name="Notes").fill("Typed before")


def test_a_server_that_restarts_is_waited_for(open_page, start):
    server = start("--rate-limit", "off")
    agency = Agency(server.url, server.key)
    client = agency.create()
    page = open_page(agency.link)
    fill_notes(page, agency, client)
    server.process.kill()
    server.process.wait()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#wait")).to_contain_text("The server is not responding.")
    start("--rate-limit", "off", "--listen", server.url.removeprefix("http://"))
    expect(page.locator("#said")).to_contain_text("Saved.")
    expect(page.locator("#wait")).to_be_hidden()
    assert agency.get(client)["notes"] == "Typed before"


@pytest.mark.parametrize("another", [False, True])
def test_a_key_that_ended_leads_to_the_sign_in(open_page, agency, another):
    (other, second), (user, first) = (person(agency, role="broker") for _ in range(2))
    ended = agency.ask("GET", "/v1/keys")["keys"][0]  # the newest
    key = second.key if another else agency.ask("POST", "/v1/keys", {"user_id": user["id"]}, 201)["key"]
    client = agency.create()
    page = open_page(first.link)
    fill_notes(page, agency, client)
    agency.ask("DELETE", f"/v1/keys/{ended['id']}")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("What you typed is kept.")
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    if another:
        expect(page.locator("#who bdi")).to_have_attribute("title", other["email"])
        expect(page.get_by_role("textbox", name="Notes")).to_have_value("")
    else:
        expect(page.locator("#said")).to_contain_text("Saved.")
    assert agency.get(client)["notes"] == (None if another else "Typed before")


def test_a_reload_warns_of_typed_text_and_keeps_it(open_page, agency):
    client = agency.create()
    page = opened(open_page, agency, f"client/{client['id']}/edit")
    page.get_by_role("textbox", name="Notes").fill("Half a sen")
    page.reload()
    expect(page.get_by_role("textbox", name="Notes")).to_have_value("Half a sen")
    assert open_page.asked == ["beforeunload"]  # since a closed tab would lose it
    page.get_by_role("link", name="Back to the client").click()
    page.locator(".back").click()
    page.locator("p.note").get_by_role("link", name=client["last_name"]).click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_role("textbox", name="Notes")).to_have_value("")
