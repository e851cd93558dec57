"""Clients in files: what is read from CSV, JSON lines and other servers, and what is written to them.

Nothing here knows SQL or prints. A reader yields an ``ImportRow`` for each client that it finds, or a
``Refused`` with the problems.
"""
