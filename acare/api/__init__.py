"""The HTTP API: the only code that knows Falcon.

``middleware`` holds the gates that a request passes, ``resources`` what it gets to, ``body`` how its JSON
is read and ``envelope`` what every answer looks like.
"""
