"""Clients in files: reading CSV, JSON lines and other servers, and writing CSV and JSON lines.

Nothing here knows SQL or prints. A reader yields a ``Draft`` for each row, and ``Draft.finish`` returns the
``ImportRow`` that it describes, or the row's problems.
"""
