"""Keeps a copy of the clients in an SQLite file, the argument. It can be killed at any moment.

Set ``URL`` and ``KEY``. ``--once`` ends it when the copy is complete.
"""

import contextlib
import http.client
import json
import sqlite3
import sys
import time
import urllib.error
import urllib.request

URL, KEY = "http://127.0.0.1:8080/v1/changes?limit=500", "YOUR_API_KEY"

SCHEMA = """
CREATE TABLE IF NOT EXISTS clients (id TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fresh (id TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS position (filled TEXT NOT NULL, cursor TEXT NOT NULL);
"""


def read(cursor):
    """The next page; None if the copy has to start again."""
    begun = time.monotonic()
    while True:
        request = urllib.request.Request(f"{URL}&after={cursor}", headers={"X-API-Key": KEY})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == 410:
                return None
            if error.code == 401:
                sys.exit("The API key is not valid: it was revoked, has expired, or its user is disabled.")
            if error.code not in (429, 502, 503, 504):
                raise
            seconds = int(error.headers["Retry-After"] or 1)
        except (OSError, http.client.HTTPException):  # no connection, a time-out, or an incomplete response
            seconds = 1
        if "--once" in sys.argv and time.monotonic() + seconds > begun + 30:
            sys.exit("The server has not answered for 30 seconds.")
        time.sleep(seconds)


def follow(copy):
    """Bring the copy up to date."""
    more = True
    while more:
        table, cursor = copy.execute("SELECT filled, cursor FROM position").fetchone() or ("fresh", "")
        page = read(cursor)
        more = page is None or page["meta"]["hasMore"]
        with copy:  # one transaction
            if page is None:
                copy.execute("DELETE FROM fresh")
                table = "fresh"
            for change in page["changes"] if page else ():
                copy.execute(f"DELETE FROM {table} WHERE id = ?", [change["id"]])
                if change["client"]:
                    row = [change["id"], json.dumps(change["client"])]
                    copy.execute(f"INSERT INTO {table} VALUES (?, ?)", row)
            if table == "fresh" and not more:  # complete: it takes the place of the old copy
                copy.execute("DELETE FROM clients")
                copy.execute("INSERT INTO clients SELECT * FROM fresh")
                table = "clients"
            copy.execute("DELETE FROM position")
            position = [table, page["meta"]["cursor"] if page else ""]
            copy.execute("INSERT INTO position VALUES (?, ?)", position)


with contextlib.closing(sqlite3.connect(sys.argv[1])) as copy:
    copy.executescript(SCHEMA)
    follow(copy)
    while "--once" not in sys.argv:  # with it, run the program from a timer
        time.sleep(5)  # every second would use up the default rate limit
        follow(copy)
