"""The statements on clients, users and keys. ``acare.database`` runs them.

The API uses ``clients`` and ``lists``, with ``search`` and ``idempotency``. ``history``, ``users``,
``keys``, ``transfer`` and ``erasures`` are for the commands too.
"""
