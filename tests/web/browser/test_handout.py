"""Lists to hand out: as a file and on paper."""

import csv
import re

from playwright.sync_api import expect
from support import command
from support.http import Agency
from support.server import FIRST_USER
from web.browser.test_day import ROWS, opened


def test_a_file_has_all_clients_that_the_filters_match(open_page, demo):
    page = opened(open_page, demo, "?client_type=buyer&page=2")
    expect(page.locator(".total")).to_contain_text("Page 2")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download CSV").click()
    with open(started.value.path(), encoding="utf-8-sig", newline="") as file:
        types = [row["client_type"] for row in csv.DictReader(file)]
    assert types == ["buyer"] * demo.total("client_type=buyer")
    assert started.value.suggested_filename.endswith(".csv")


def test_a_print_of_more_than_a_thousand_says_so(open_page, start, tmp_path):
    server = start("--rate-limit", "off")
    rows = "".join(f"Ana,Number{number},buyer\n" for number in range(1001))
    (tmp_path / "in.csv").write_text(f"first_name,last_name,client_type\n{rows}")
    command.run("import", tmp_path / "in.csv", "--database", tmp_path / "served.db", "--user", FIRST_USER)
    page = opened(open_page, Agency(server.url, server.key))
    page.evaluate("window.print = () => { document.body.id = 'printed'; }")
    page.get_by_role("button", name="Print").click()
    expect(page.locator("#printed")).to_be_visible(timeout=30_000)
    expect(page.locator(".total")).to_have_text("The first 1,000 of 1,001 clients.")
    expect(page.locator(ROWS)).to_have_count(1000)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".total")).to_contain_text("Page 1 of 41")


def test_paper_has_a_table_with_the_filters_and_the_time(open_page, start):
    server = start("--rate-limit", "off", "--agency", "Hill & Valley")
    agency = Agency(server.url, server.key)
    agency.create()
    page = open_page(agency.link, viewport={"width": 700, "height": 900})  # of A4
    page.get_by_label("Type", exact=True).select_option("buyer")
    page.emulate_media(media="print")
    expect(page.locator(".printed")).to_be_visible()
    expect(page.locator(".printed")).to_have_text(re.compile(r"^Type: Buyer · \w+ \d+, \d{4}, "))
    expect(page.locator(".agency")).to_be_visible()
    expect(page.locator("table.clients tr").last).to_have_css("display", "table-row")
