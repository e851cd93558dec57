"""The page under a prefix: behind nginx and in another WSGI app."""

import threading
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import shift_path_info

from ci.test_offices import behind_sign_in
from playwright.sync_api import expect
from support.http import Agency
from support.server import make_key
from web.browser.conftest import delete

import acare


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def wsgi(app):
    """The address of a server of Python's own."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def embedded(folder):
    """In an intranet, which calls it with SCRIPT_NAME."""
    key = make_key(folder / "served.db")
    with acare.create_app(database=folder / "served.db", rate_limit="off") as app:

        def intranet(environ, start_response):
            if shift_path_info(environ) == "north":
                return app(environ, start_response)
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"the intranet's own"]

        with wsgi(intranet) as url:
            yield Agency(f"{url}/north", key)


def test_the_page_works_under_a_prefix(open_page, tmp_path):
    with embedded(tmp_path) as agency:
        client = agency.create(phone="1")
        page = open_page(agency.link)
        page.locator("td.name a").click()
        page.get_by_role("link", name="Edit").click()
        page.get_by_label("Notes").fill("mine")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#said")).to_have_text("Saved.")
        assert (agency.get(client)["notes"], agency.get(client)["version"]) == ("mine", 2)


def test_two_agencies_on_one_host_have_keys_of_their_own(open_page, tmp_path):
    with embedded(tmp_path) as agency:
        page = open_page(agency.link)
        expect(page.get_by_text("No clients yet.")).to_be_visible()
        keys = page.evaluate("Object.keys(localStorage)")
        assert {key.partition(":key")[0] for key in keys} == {"acare:/north/"}


def test_people_who_are_signed_in_need_no_key(open_page, tmp_path):
    """By a proxy; for people whom an embedding app names, it is the same."""
    person = {"email": "broker@example.com"}
    with behind_sign_in("nginx", tmp_path, person) as url:
        page = open_page(f"{url}/#/new")
        expect(page.locator("#who")).to_contain_text("broker")
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
        page.get_by_label("First name").fill("Ana")
        page.get_by_label("Last name").fill("Intranet")
        page.get_by_label("Type").first.select_option("both")
        person["email"] = None  # the session of the intranet ends
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("What you typed is kept.")
        person["email"] = "broker@example.com"  # signed in again, in another tab
        page.get_by_role("button", name="Try again without a key").click()
        expect(page.get_by_role("heading", name="Ana Intranet")).to_be_visible()
        delete(page)
        expect(page.get_by_text("No clients yet.")).to_be_visible()
