"""What is stored: the statements on clients, users and keys. ``acare.database`` runs them.

``clients`` and ``lists`` are what the API uses, with ``search`` and ``idempotency``. ``history``, ``users``,
``keys``, ``transfer`` and ``erasures`` are for the commands too.
"""
