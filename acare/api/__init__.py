"""The HTTP API. Only this package and ``acare.app`` import Falcon.

``operations`` has the table of operations, from which the resources are made: ``resources``, ``users`` and
``public`` have their classes, and ``services`` what they use. ``request``, ``headers`` and ``body`` parse the
request, ``envelope`` builds the response. ``middleware`` has the middleware, except ``AccessLog``,
``IdentifyCaller`` and ``LimitRate``. ``openapi`` describes the API.
"""
