"""Clients in files: reading CSV, JSON lines and other servers, and writing CSV and JSON lines.

Nothing here knows SQL or prints. A reader yields an ``ImportRow`` for each client that it finds, or a
``Refused`` with the problems.
"""
