"""The HTTP API. Only this package and ``acare.app`` import Falcon.

``operations`` has the table of operations, from which the resources are made: ``resources``, ``users`` and
``public`` have their classes, and ``services`` what they use. ``request`` and ``body`` parse the request,
``envelope`` builds the response. ``access_log``, ``identify``, ``ratelimit``, ``admission`` and
``middleware`` have the middleware. ``openapi`` describes the API, with ``schemas``.
"""
