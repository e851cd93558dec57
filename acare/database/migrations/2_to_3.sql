-- From schema 2 to schema 3: four indexes for the lists in place of eight, a million places for each
-- millisecond in place of ten thousand, the time of an import in its clients in place of a table of imports, and
-- the user who made a version in place of the key.

-- The new places of the clients, in the order of their creation.
CREATE TABLE places (old INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;

INSERT INTO places (old, seq)
SELECT old, position + max(place - position) OVER (ORDER BY position)
FROM (
    SELECT
        seq AS old,
        min(coalesce(unixepoch(created_at), 0) * 1000 + substr(created_at, 21, 3), 9000000000000) * 1000000
            AS place,
        row_number() OVER (ORDER BY created_at, seq) AS position
    FROM clients
);

DROP TABLE clients_search;

-- ALTER TABLE cannot put a column where schema.sql has it, so the table is recreated.
ALTER TABLE clients RENAME TO clients_2;

CREATE TABLE clients (
    seq                  INTEGER PRIMARY KEY,
    id                   TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    user_id              TEXT NOT NULL REFERENCES users (id),
    first_name           TEXT NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name            TEXT NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    email                TEXT CHECK (length(email) <= 254),
    phone                TEXT CHECK (length(phone) <= 40),
    client_type          TEXT NOT NULL CHECK (client_type IN ('buyer', 'seller', 'both')),
    status               TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'closed')),
    source               TEXT CHECK (length(source) <= 100),
    budget_min           ANY CHECK (typeof(budget_min) IN ('null', 'integer', 'real')
                                    AND budget_min BETWEEN 0 AND 1000000000000),
    budget_max           ANY CHECK (typeof(budget_max) IN ('null', 'integer', 'real')
                                    AND budget_max BETWEEN 0 AND 1000000000000),
    preferred_locations  TEXT NOT NULL CHECK (json_type(preferred_locations) = 'array'),
    property_preferences TEXT NOT NULL CHECK (json_type(property_preferences) = 'object'),
    pre_approved         INTEGER NOT NULL CHECK (pre_approved IN (0, 1)),
    pre_approval_amount  ANY CHECK (typeof(pre_approval_amount) IN ('null', 'integer', 'real')
                                    AND pre_approval_amount BETWEEN 0 AND 1000000000000),
    notes                TEXT CHECK (length(notes) <= 10000),
    tags                 TEXT NOT NULL CHECK (json_type(tags) = 'array'),
    version              INTEGER NOT NULL CHECK (version >= 1),
    created_at           TEXT NOT NULL,
    updated_at           TEXT NOT NULL CHECK (updated_at >= created_at),
    made_by              TEXT REFERENCES users (id),
    imported_at          TEXT,
    json                 TEXT NOT NULL GENERATED ALWAYS AS (json_object(
        'id', id,
        'user_id', user_id,
        'first_name', first_name,
        'last_name', last_name,
        'email', email,
        'phone', phone,
        'client_type', client_type,
        'status', status,
        'source', source,
        'budget_min', budget_min,
        'budget_max', budget_max,
        'preferred_locations', json(preferred_locations),
        'property_preferences', json(property_preferences),
        'pre_approved', json(iif(pre_approved, 'true', 'false')),
        'pre_approval_amount', pre_approval_amount,
        'notes', notes,
        'tags', json(tags),
        'version', version,
        'created_at', created_at,
        'updated_at', updated_at
    )) STORED,
    CONSTRAINT budget_order CHECK (budget_min <= budget_max)
) STRICT;

INSERT INTO clients (
    seq, imported_at,
    id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max,
    preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version,
    created_at, updated_at, made_by
)
SELECT
    places.seq,
    iif(import_id IS NULL, NULL, coalesce(started_at, created_at)), -- `import --again` has deleted imports
    clients_2.id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min,
    budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version,
    created_at, updated_at, (SELECT api_keys.user_id FROM api_keys WHERE api_keys.id = made_by)
FROM places
JOIN clients_2 ON clients_2.seq = places.old
LEFT JOIN imports ON imports.id = import_id
ORDER BY places.seq;

DROP TABLE clients_2;

DROP TABLE imports;

ALTER TABLE client_history RENAME TO client_history_2;

CREATE TABLE client_history (
    client_id   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    json        TEXT NOT NULL,
    made_by     TEXT REFERENCES users (id),
    ended_at    TEXT NOT NULL,
    deleted     INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    deleted_by  TEXT REFERENCES users (id),
    imported_at TEXT,
    PRIMARY KEY (client_id, version)
) STRICT;

INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at)
SELECT
    client_id, version,
    json,
    (SELECT user_id FROM api_keys WHERE id = made_by),
    ended_at, deleted,
    (SELECT user_id FROM api_keys WHERE id = deleted_by),
    (SELECT clients.imported_at FROM clients WHERE clients.id = client_id)
FROM client_history_2
ORDER BY client_history_2.rowid;

DROP TABLE client_history_2;

DROP TABLE places;

-- They stood for the users of an embedding app in the history.
DELETE FROM api_keys WHERE preview = 'host';

CREATE TABLE client_changes (
    revision   INTEGER PRIMARY KEY,
    client_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    user_id    TEXT NOT NULL,
    removed_at TEXT
) STRICT;

CREATE TABLE change_cursors (
    epoch  TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
    purged INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO change_cursors DEFAULT VALUES;

-- In the order of the lists, oldest first.
INSERT INTO client_changes (client_id, version, user_id)
SELECT id, version, user_id
FROM clients
ORDER BY seq;
