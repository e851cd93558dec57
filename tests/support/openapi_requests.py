"""Requests for every response in the OpenAPI document."""

from support import scenes
from support.data import ALL_FIELDS, JORDAN, OTHER, UNKNOWN_ID
from support.operations import OPERATIONS, made_for, method_and_path

from acare.fields import FIELDS


class Ask:
    """A request of the table, and its status. ``prepare`` returns the caller."""

    def __init__(self, method, path, status, body=None, prepare=lambda scene: scene.api, **headers):
        self.method, self.path, self.status, self.body = method, path, status, body
        self.prepare, self.headers = prepare, headers

    def __repr__(self):
        sent = "" if self.body is None or callable(self.body) else f" {self.body!r:.40}"
        return f"{self.method} {self.path} {self.status}{sent} {' '.join(self.headers)}".strip()

    def run(self, scene, **headers):
        """The path with its id, and the response."""
        path, body = self.path.format_map(scene), made_for(scene, self.body)
        headers |= self.headers
        return path, self.prepare(scene).ask(self.method, path, body, self.status, **headers)


COLLECTION, ITEM, CSV = "/v1/clients", "/v1/clients/{client_id}", "/v1/clients.csv"
OWNER, REDEMPTION = f"{ITEM}/owner", "/v1/keys/redeem"
USER, ME = "/v1/users/{user_id}", "/v1/users/me"
CHANGES_FEED, OTHER_CURSOR = "/v1/changes", f"{'0' * 16}.all.1.1"
CHANGE, TO_NEW = {"notes": "x"}, OPERATIONS["POST /v1/clients/{client_id}/owner"][0]
# Method, path and body of a request for each operation, and its status.
GOOD = [(*method_and_path(operation), body, status) for operation, (body, status, *_) in OPERATIONS.items()]
REDEMPTIONS = [
    ("POST", REDEMPTION, status, {"name": "Work phone"}, prepare)
    for status, prepare in (
        (201, scenes.invited),
        (400, lambda scene: scene.api),
        (401, scenes.redeemed),
        (401, scenes.without_key),
        (403, scenes.cross_site),
        (429, scenes.exhausted),
        (431, scenes.rejected),
        (500, lambda scene: (scenes.invited(scene), scenes.defective(scene))[0]),
        (503, lambda scene: (scenes.invited(scene), scenes.unavailable(scene))[0]),
    )
]
TABLE = [
    Ask("POST", REDEMPTION, 413, b" " * 65_537),
    Ask("GET", f"{COLLECTION}?q=a+b+c+d+e+f+g+h&email=Noor.Haddad%40example.com&user_id={UNKNOWN_ID}", 200),
    Ask("GET", f"{COLLECTION}?deleted=true", 200, prepare=scenes.with_deleted),
    Ask("GET", f"{COLLECTION}?limit=x&status=lost&client_type=tenant&page=-1", 400),
    Ask("POST", COLLECTION, 201, ALL_FIELDS),
    Ask("POST", COLLECTION, 201, {**OTHER, "property_preferences": {"x": [None, {"y": 1.5}]}}),
    Ask("POST", COLLECTION, 201, JORDAN, scenes.key_used, Idempotency_Key="k"),
    Ask("POST", COLLECTION, 422, {**JORDAN, "notes": "x"}, scenes.key_used, Idempotency_Key="k"),
    Ask("POST", COLLECTION, 400, {**JORDAN, "first_name": "", "budget_min": 2, "budget_max": 1}),
    Ask("POST", COLLECTION, 415, b"first_name=Jordan", Content_Type="application/x-www-form-urlencoded"),
    Ask("GET", ITEM, 304, If_None_Match='"2"'),
    Ask("GET", f"{COLLECTION}/{UNKNOWN_ID}", 404),
    Ask("PUT", ITEM, 200, {"phone": "(661) 555-0199", "status": "inactive", "version": 2}),
    Ask("PUT", ITEM, 200, OTHER),
    Ask("PUT", ITEM, 200, {**dict.fromkeys((f.name for f in FIELDS if not f.required), None), "version": 2}),
    Ask("PUT", ITEM, 409, {**CHANGE, "version": 1}),
    Ask("PUT", ITEM, 412, CHANGE, If_Match='"1"'),
    Ask("PUT", f"{COLLECTION}/{UNKNOWN_ID}", 404, CHANGE),
    Ask("DELETE", ITEM, 412, If_Match='W/"2"'),
    Ask("DELETE", f"{ITEM}?version=1", 409),
    Ask("DELETE", f"{COLLECTION}/{UNKNOWN_ID}", 404),
    *(Ask(method, path, 400, body, prepare=scenes.malformed) for method, path, body, _ in GOOD),
    *(Ask(method, path, 401, body, prepare=scenes.without_key) for method, path, body, _ in GOOD),
    *(Ask(method, path, 403, body, scenes.unscoped) for method, path, body, _ in GOOD if path != ME),
    Ask("GET", ME, 403, prepare=scenes.unknown_user),
    *(Ask(method, path, 403, body, scenes.cross_site) for method, path, body, _ in GOOD if method != "GET"),
    *(Ask(method, path, 413, b" " * 65_537) for method, path, *_ in GOOD),
    *(Ask(method, path, 431, body, prepare=scenes.rejected) for method, path, body, _ in GOOD),
    *(Ask(method, path, 415, b"{}", Content_Encoding="gzip") for method, path, *_ in GOOD),
    *(Ask(method, path, 429, body, prepare=scenes.exhausted) for method, path, body, _ in GOOD),
    *(Ask(method, path, 500, body, prepare=scenes.defective) for method, path, body, _ in GOOD),
    *(Ask(method, path, 503, body, prepare=scenes.unavailable) for method, path, body, _ in GOOD),
    *(Ask(method, path, status, body) for method, path, body, status in GOOD),
    *(Ask("HEAD", path, 200) for method, path, *_ in GOOD if method == "GET"),
    Ask("POST", COLLECTION, 404, JORDAN, scenes.handed_over, Idempotency_Key="handed-over"),
    Ask("GET", f"{COLLECTION}/{{deleted_id}}/history", 200),
    Ask("GET", f"{COLLECTION}/{UNKNOWN_ID}/history", 404),
    Ask("POST", f"{COLLECTION}/{UNKNOWN_ID}/restore", 404),
    Ask("POST", f"{ITEM}/restore", 409),
    Ask("POST", OWNER, 409, lambda scene: {**TO_NEW(scene), "version": 1}),
    Ask("POST", OWNER, 412, TO_NEW, If_Match='"1"'),
    Ask("POST", OWNER, 403, TO_NEW, prepare=scenes.agent),
    Ask("POST", f"{COLLECTION}/{UNKNOWN_ID}/owner", 404, TO_NEW),
    Ask("GET", CHANGES_FEED, 200, prepare=scenes.with_deleted),
    Ask("GET", f"{CHANGES_FEED}?after={OTHER_CURSOR}", 410),
    Ask("POST", "/v1/users", 409, {"email": "ana@example.com", "role": "agent"}, scenes.ana_exists),
    Ask("PUT", USER, 409, {"email": "ana@example.com"}, scenes.ana_exists),
    Ask("PUT", "/v1/users/{broker_id}", 409, {"disabled": True}),
    Ask("PUT", f"/v1/users/{UNKNOWN_ID}", 404, {"role": "agent"}),
    Ask("POST", f"/v1/users/{UNKNOWN_ID}/handover", 404, {"to": UNKNOWN_ID}),
    Ask("POST", "/v1/keys", 201, {"name": "CRM", "expires_at": "2999-01-01T00:00:00+02:00"}),
    Ask("POST", "/v1/keys", 400, {"user_id": "x", "name": "", "scopes": [], "expires_at": "2026-01-01"}),
    Ask("POST", "/v1/keys", 409, {}, scenes.with_many_keys),
    Ask("POST", "/v1/keys", 201, {"invitation": True}),
    *(Ask(*each) for each in REDEMPTIONS),
    Ask("POST", REDEMPTION, 415, b"{}", Content_Encoding="gzip"),
    *(Ask("PATCH", path, 405) for path in dict.fromkeys([REDEMPTION, *(path for _, path, *_ in GOOD)])),
    Ask("DELETE", f"/v1/keys/{UNKNOWN_ID}", 404),
]

#: Requests that are not in the document.
OTHERS = [
    Ask("GET", "/healthz?color=", 200, prepare=scenes.without_key),
    Ask("GET", "/", 200, prepare=scenes.without_key),
    Ask("GET", "/readyz", 200, prepare=scenes.without_key),
    Ask("GET", "/readyz", 500, prepare=scenes.defective),
    Ask("GET", "/v1/nothing", 404),
    Ask("OPTIONS", COLLECTION, 200),
    Ask("GET", "/v1/nothing", 401, X_API_Key="x"),
]
