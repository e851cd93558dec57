"""The feed of changes."""

import falcon

from acare import setting_types
from acare.api import envelope
from acare.api.request import Request, StoreResource, read_query
from acare.clients import ChangeFeed
from acare.field_types import String

DEFAULT_LIMIT = 100
MAX_LIMIT = 500

_PARAMETERS = {"after": String(max_length=200).validate, "limit": setting_types.count()}


class Changes(StoreResource[ChangeFeed]):
    """``/v1/changes``: the changes of the clients that the caller can see, for programs that keep a copy."""

    parameters = _PARAMETERS

    def on_get(self, req: Request, resp: falcon.Response) -> None:
        query = read_query(req, self.parameters)
        limit = min(query.get("limit", DEFAULT_LIMIT), MAX_LIMIT)
        page = self._store.page(req.caller, after=query.get("after"), limit=limit)
        envelope.succeed_with_list(resp, "changes", page.rows, page.has_more, f'"cursor":"{page.cursor}",')
