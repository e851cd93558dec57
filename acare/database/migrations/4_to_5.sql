-- From schema 4 (0.2.0) to schema 5 (0.3.0).
-- New tables and views need no statement: they are created from schema.sql. So are the changed triggers.

ALTER TABLE api_keys ADD COLUMN invitation INTEGER NOT NULL DEFAULT 0 CHECK (invitation IN (0, 1));

-- The words by which clients are found have changed: the index is created again, and filled.
DROP TABLE clients_search;

DELETE FROM clients_to_index;

-- `imported_at` now belongs to the version that an import wrote, instead of the client that it created. The source
-- of these clients is not known.
CREATE TABLE client_sources (
    client_id      TEXT PRIMARY KEY,
    source         TEXT,
    source_version INTEGER,
    version        INTEGER NOT NULL
) STRICT;

INSERT INTO client_sources (client_id, version)
SELECT id, iif(made_by IS NULL AND (version = 1 OR updated_at <= imported_at), version, 0)
FROM clients
WHERE imported_at IS NOT NULL;

UPDATE clients
SET imported_at = NULL
WHERE imported_at IS NOT NULL AND NOT (made_by IS NULL AND (version = 1 OR updated_at <= imported_at));

UPDATE client_history
SET imported_at = NULL
WHERE imported_at IS NOT NULL
    AND NOT (made_by IS NULL AND (version = 1 OR json ->> '$.updated_at' <= imported_at));

-- Backups of one database have one id, even if several of them are migrated: that of its first user.
CREATE TABLE identity (
    id      TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    backups INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO identity (id)
SELECT coalesce((SELECT id FROM users ORDER BY created_at, id LIMIT 1), lower(hex(randomblob(16))));
