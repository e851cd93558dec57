"""The statements on clients, users and keys. ``acare.database`` runs them.

``clients``, ``deleted``, ``history``, ``changes``, ``users`` and ``keys`` have the stores that the API and
the commands use; ``lists``, ``search``, ``idempotency`` and ``targets`` are parts of them.
"""
