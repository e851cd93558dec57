-- From schema 5 (0.3.0) to schema 6 (0.4.0).
-- A file that was just migrated from schema 4 has not yet the tables that came with schema 5 from schema.sql.

DROP TABLE IF EXISTS restores;

CREATE TABLE version_floor (
    version INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO version_floor DEFAULT VALUES;

ALTER TABLE identity DROP COLUMN backups;

-- The words by which clients are found have changed: the index is created again, and filled.
DROP TABLE IF EXISTS clients_search;

DELETE FROM clients_to_index;
