"""The data layer: the only package that imports sqlite3.

``connection`` opens connections, ``file`` accepts or refuses a database file, ``writer`` commits, and
``database`` provides reads and writes. ``clients``, ``pagination``, ``search``, ``idempotency``, ``history``,
``users``, ``keys``, ``erasures``, ``transfer`` and ``export`` have the statements, and so have ``imports``,
``duplicates``, ``conflicts`` and ``sequence`` (the places in the lists).

``schema``, ``migrations``, ``backup``, ``restore``, ``compact`` and ``status`` work on complete files, with
``copying``, ``leftovers`` (temporary files), ``owner`` and ``space``. ``wal``, ``log_sync`` and
``checkpoint_failure`` are about the log, and ``readiness`` checks whether a write succeeds now.
"""
