"""The HTTP API. Only this package and ``acare.app`` import Falcon.

``operations`` has the table of operations, and ``resources``, ``users`` and ``public`` have the responders.
``request``, ``headers`` and ``body`` parse the request, ``envelope`` builds the response. ``middleware`` has
the middleware, except for ``AccessLog``, ``LimitRate``, ``TrustProxy`` in ``request`` and ``StrictHandling``
in ``headers``. ``openapi.json`` describes the API.
"""
