"""The feed of changes."""

from __future__ import annotations

import falcon

from acare.api import envelope
from acare.api.request import Query, Request, StoreResource
from acare.clients import ChangePage
from acare.field_types import String

DEFAULT_LIMIT = 100
MAX_LIMIT = 500

_CURSOR = String(max_length=200)


class Changes(StoreResource):
    """``/v1/changes``: the changes of the clients that the caller can see, for programs that keep a copy."""

    parameters = ("after", "limit")

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        query = Query(req)
        limit = min(query.count("limit", default=DEFAULT_LIMIT), MAX_LIMIT)
        after = query.text("after", _CURSOR)
        query.check()
        page: ChangePage = self._store.page(req.context.caller, after=after, limit=limit)
        more = "true" if page.has_more else "false"
        meta = f'{{"cursor":"{page.cursor}","hasMore":{more}}}'
        envelope.succeed(resp, f'{{"changes":[{",".join(page.rows)}],"meta":{meta}}}')

    on_head = on_get
