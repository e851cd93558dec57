"""The data layer: the only package that imports sqlite3.

``connection`` opens connections, ``file`` accepts or refuses a database file, ``writer`` commits, and
``database`` provides reads and writes. ``clients``, ``pagination``, ``search``, ``transfer``,
``idempotency``, ``history``, ``users`` and ``keys`` have the statements. ``schema``, ``migrations``,
``backup`` and ``restore`` work on complete files.
"""
