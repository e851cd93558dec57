"""The HTTP API. Only this package and ``acare.app`` import Falcon.

``operations`` has the table of operations, and ``resources``, ``users`` and ``public`` have the responders.
``request``, ``headers`` and ``body`` parse the request, ``envelope`` builds the response. ``middleware`` has
the middleware, with ``access_log``, ``ratelimit`` and those of ``request`` and ``headers``. ``openapi.json``
describes the API.
"""
