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

-- Whether an import wrote the present version is in `imported_at` alone; a restore in 0.3.0 that raised a version has
-- set it to NULL, and raised that of the table of imports.
ALTER TABLE clients ADD COLUMN source_version INTEGER;

UPDATE clients
SET source_version = client_sources.source_version,
    imported_at = iif(
        client_sources.version = clients.version AND made_by IS NULL, coalesce(imported_at, updated_at), NULL
    )
FROM client_sources
WHERE client_id = id;

DROP TABLE client_sources;
