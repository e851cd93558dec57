"""The list."""

import re

from playwright.sync_api import expect

ROWS = "table.clients tbody td.name a"


def opened(open_page, demo, **options):
    page = open_page(demo.link, **options)
    expect(page.locator(ROWS)).to_have_count(25)
    return page


def test_the_list_shows_eight_facts_of_a_client(open_page, demo):
    page = opened(open_page, demo, viewport={"width": 1400, "height": 900})
    client = demo.ask("GET", "/v1/clients?limit=1")["clients"][0]
    expect(page.locator("thead th")).to_have_text(
        ["Name", "Type", "Status", "E-mail", "Phone", "Budget", "Owner", "Changed"]
    )
    cells = page.locator("tbody tr").first.locator("td")
    expect(cells.nth(0)).to_have_text(f"{client['first_name']} {client['last_name']}")
    expect(cells.nth(3)).to_have_text(client["email"])
    expect(cells.nth(5)).to_have_text(f"{client['budget_min']:,} – {client['budget_max']:,}")
    expect(cells.nth(6)).to_have_text(re.compile(r"^\w+\.\w+$"))  # without the domain of one's own agency
    expect(cells.nth(6).locator("bdi")).to_have_attribute("title", re.compile("@example.com$"))


def test_search_filters_and_pages_stand_in_the_address(open_page, demo):
    page = opened(open_page, demo)
    page.get_by_label("Type").select_option("buyer")
    page.get_by_label("Status").select_option("active")
    total = demo.total("client_type=buyer&status=active")
    expect(page.locator(".total")).to_have_text(f"{total} clients. Page 1 of 2.")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".total")).to_have_text(f"{total} clients. Page 2 of 2.")
    assert page.url.endswith("/#/?client_type=buyer&status=active&page=2")
    page.reload()
    expect(page.locator(".total")).to_have_text(f"{total} clients. Page 2 of 2.")
    expect(page.get_by_label("Type")).to_have_value("buyer")
    sent = open_page(demo.link)  # to another person
    sent.goto(page.url)
    expect(sent.locator(".total")).to_have_text(f"{total} clients. Page 2 of 2.")
    page.go_back()
    expect(page.locator(".total")).to_have_text(f"{total} clients. Page 1 of 2.")
    page.go_back()
    expect(page.locator(".total")).to_have_text(f"{demo.total('client_type=buyer')} clients. Page 1 of 4.")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator(".total")).to_have_text("250 clients. Page 1 of 10.")


def test_the_search_follows_the_typing(open_page, demo):
    page = opened(open_page, demo)
    page.get_by_label("Search").press_sequentially("zoe m", delay=30)  # accents do not count
    total = demo.total("q=zoe+m")
    expect(page.locator(".total")).to_contain_text(f"{total} client")
    expect(page.locator(ROWS).first).to_contain_text("Zoë M")
    assert page.url.endswith("/#/?q=zoe+m")
    expect(page.get_by_label("Search")).to_be_focused()
    page.get_by_label("Owner").select_option(label="luis.ortega@example.com")
    expect(page).to_have_url(re.compile("user_id="))


def test_nothing_found_and_a_page_past_the_end_say_so(open_page, demo):
    page = opened(open_page, demo)
    page.get_by_label("Search").fill("no-such-name")
    expect(page.get_by_role("heading", name="No clients found")).to_be_visible()
    page.goto(f"{demo.url}/#/?page=99")
    page.get_by_role("link", name="Go to the first page").click()
    expect(page.locator(ROWS)).to_have_count(25)
    page.goto(f"{demo.url}/#/client/0")
    expect(page.get_by_role("heading", name="Client not found")).to_be_visible()


def test_a_link_with_a_filter_that_does_not_exist_says_why(open_page, demo):
    page = open_page(demo.link)
    page.goto(f"{demo.url}/#/?status=nonsense&q={'x' * 10_000}")
    expect(page.get_by_role("alert")).to_contain_text("Status must be one of active, inactive, closed.")
    page.get_by_role("link", name="Clients", exact=True).click()
    expect(page.locator(ROWS)).to_have_count(25)
