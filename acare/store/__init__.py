"""The data layer: the only code that knows sqlite3.

``connection`` opens connections, ``file`` accepts or refuses a database file, ``writer`` commits, and
``database`` offers reads and writes. ``clients``, ``pagination``, ``idempotency``, ``history`` and ``keys``
hold the statements. ``schema``, ``migrations``, ``backup`` and ``restore`` work on a file as a whole.
"""
