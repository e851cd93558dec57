"""The statements on clients, users and keys. ``acare.database`` runs them.

The API uses ``clients``, ``lists``, ``deleted`` and ``changes``, with ``search`` and ``idempotency``.
``history``, ``users``, ``keys`` and ``transfer`` are for the commands too.
"""
