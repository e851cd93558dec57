"""An honest caller in a process of its own: it asks ``/healthz`` until its input ends.

``python probe.py HOST PORT`` prints ``ready`` after the first answer, and at the end the longest wait in
seconds. It alternates between a kept connection and a new one, up to a hundred times a second, and uses each
at least once.
"""

import select
import socket
import sys
import time

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: probe.example\r\n\r\n"
TIMEOUT = 1.0  # seconds
PAUSE = 0.01


def ask(raw):
    """Send a request and read its answer."""
    raw.sendall(REQUEST)
    received = b""
    while b'"status":"ok"' not in received or not received.endswith(b"}"):
        data = raw.recv(65536)
        if not data:
            raise ConnectionError("closed before the answer was complete")
        received += data


def connect(address):
    return socket.create_connection(address, timeout=TIMEOUT)


def ask_anew(address):
    with connect(address) as raw:
        ask(raw)


def main(address):
    stays, waits = connect(address), []
    ask(stays)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0] or len(waits) < 2:
        began = time.monotonic()
        try:
            ask(stays) if len(waits) % 2 else ask_anew(address)
            waits.append(time.monotonic() - began)
        except OSError:  # not in time, or refused
            waits.append(TIMEOUT)
            time.sleep(PAUSE)
    print(max(waits), flush=True)


if __name__ == "__main__":
    main((sys.argv[1], int(sys.argv[2])))
