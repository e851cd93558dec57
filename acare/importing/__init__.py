"""Import and export of clients: CSV, JSON lines and other servers.

A reader yields a ``Draft`` for each row, and ``Draft.finish`` returns the ``ImportRow`` that it describes, or
the errors of the row.
"""
