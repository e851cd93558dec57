"""The HTTP API: the only code that knows Falcon.

``middleware`` holds the gates that a request passes, ``resources`` what it gets to, ``body`` how its JSON
is read, ``conditions`` what its headers ask for and ``envelope`` what every answer looks like; ``openapi``
and ``page`` describe it all.
"""
