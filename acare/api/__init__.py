"""The HTTP API. Only this package and ``acare.app`` import Falcon.

``operations`` has the table of operations, with the classes that answer them. ``middleware``, ``access_log``,
``proxy``, ``cors`` and ``preferences`` have the middleware. ``request``, ``body`` and ``conditions`` parse
the request, ``envelope`` builds the response, and ``openapi.json`` describes the API.
"""
