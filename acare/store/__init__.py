"""The data layer: the only package that imports sqlite3.

``connection`` opens connections, ``file`` accepts or refuses a database file, ``writer`` commits, and
``database`` provides reads and writes. ``clients``, ``pagination``, ``search``, ``idempotency``, ``history``,
``users``, ``keys``, ``erasures``, ``transfer``, ``bulk`` and ``duplicates`` have the statements.

``schema``, ``migrations``, ``backup``, ``restore``, ``compact`` and ``status`` work on complete files, with
``copying``, ``leftovers`` (temporary files) and ``owner``. ``wal`` and ``log_sync`` are about the log, and
``readiness`` checks whether a write succeeds now.
"""
