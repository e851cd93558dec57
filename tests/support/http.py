"""A caller over HTTP."""

import http.client
import json

from support.data import JORDAN


class HttpCaller:
    """One connection to a server at ``host:port`` or a URL, with a key. Close it."""

    def __init__(self, address, key):
        self._connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def close(self):
        self._connection.close()

    def ask(self, method="GET", path="/v1/clients", body=None, **headers):
        """The status, and the data or the error."""
        headers = self._headers | {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        content = json.loads(answer.read())
        return answer.status, content.get("data", content.get("error"))

    def expect(self, status, *request):
        answered, content = self.ask(*request)
        assert answered == status, content
        return content

    def create(self, **fields):
        return self.expect(201, "POST", "/v1/clients", {**JORDAN, **fields})

    def get(self, client):
        return self.expect(200, "GET", f"/v1/clients/{client['id']}")

    def put(self, client, changes):
        return self.ask("PUT", f"/v1/clients/{client['id']}", changes)

    def total(self):
        return self.expect(200, "GET", "/v1/clients?limit=1")["meta"]["total"]
