"""Passes each change of a client on to a webhook, at least once; ``cursor.txt`` has how far it has come.

It begins with the changes from now on or, with --from-beginning, with all clients. Set ``URL``, ``KEY`` and
``WEBHOOK``.
"""

import http.client
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

URL, KEY, WEBHOOK = "http://127.0.0.1:8080/v1/changes", "YOUR_API_KEY", "https://hooks.example/clients"
cursor = pathlib.Path("cursor.txt")


def call(url, headers, body=None):
    """The status and the body of an answer; 503 without one."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
    except (OSError, http.client.HTTPException):
        return 503, b""


def pass_on(change):
    refusals = 0
    while refusals < 3:
        status, _ = call(WEBHOOK, {"Content-Type": "application/json"}, json.dumps(change).encode())
        if status < 300:
            return
        refusals += status < 500 and status != 429
        time.sleep(5)
    print(f"The webhook refuses {change['id']}: {status}", file=sys.stderr)


def remember(position):
    new = cursor.with_suffix(".new")
    new.write_text(position)
    new.replace(cursor)


if not cursor.exists():
    is_from_now = "--from-beginning" not in sys.argv
    print(f"Begins with {'the changes from now on' if is_from_now else 'all clients'}.", flush=True)
    if not is_from_now:
        remember("")
while True:
    after = cursor.read_text() if cursor.exists() else "now"
    status, body = call(f"{URL}?after={after}", {"X-API-Key": KEY})
    more = status == 410
    if more:
        remember("")
    elif status == 200:
        page = json.loads(body)["data"]
        for change in page["changes"]:
            pass_on(change)
        remember(page["meta"]["cursor"])
        more = page["meta"]["hasMore"]
    elif status not in (429, 502, 503, 504):
        sys.exit(f"The server refuses: {status}")
    time.sleep(0 if more else 5)
