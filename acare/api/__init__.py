"""The HTTP API. Only this package and ``acare.app`` import Falcon.

``middleware``, ``access_log``, ``proxy``, ``cors`` and ``preferences`` have the middleware, ``operations``
has the table of operations, and ``resources``, ``users``, ``system`` and ``web`` have the responders.
``request``, ``body`` and ``conditions`` parse the request, ``envelope`` builds the response, and
``openapi.json`` describes the API.
"""
