"""The HTTP API. Only this package and ``acare.app`` import Falcon.

``middleware``, ``access_log``, ``proxy`` and ``cors`` have the middleware; ``resources``, ``users``,
``system`` and ``web`` have the responders. ``body``, ``query`` and ``conditions`` parse the request,
``envelope`` builds the response, and ``openapi`` describes the API.
"""
