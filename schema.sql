-- The complete data model of acare. A new database is created by running this file in one transaction;
-- an existing one is compared with it when it is opened (acare/database/schema.py).
-- The constraints repeat the most important rules of acare/fields.py. They also hold when the file is
-- edited with another program. (OR instead of IN: for three values or more, SQLite builds a table at each check.)
-- Times have the format of the API: the checks compare each with what `strftime` makes of it.

PRAGMA application_id = 1633902962; -- "acar": identifies an acare database among SQLite files
PRAGMA user_version = 6;            -- the version of this schema; older ones: acare/database/migrations/


-- One row, which every backup contains: a backup belongs to the database with the same id.
CREATE TABLE identity (
    id TEXT NOT NULL DEFAULT (lower(hex(randomblob(16))))
) STRICT;

INSERT INTO identity DEFAULT VALUES;

-- One row: no client had a greater version in any database that a restore has replaced. The next version of each
-- client is greater, so that no version identifies two different states: acare/store/restoring.py.
CREATE TABLE version_floor (
    version INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO version_floor DEFAULT VALUES;


-- Users and their API keys. A key acts on behalf of its user.

CREATE TABLE users (
    id         TEXT PRIMARY KEY CHECK (length(id) = 36),
    email      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL CHECK (role IN ('agent', 'broker')),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                             CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
    -- From this time on, the user's keys are not valid.
    disabled_at TEXT CHECK (disabled_at IS strftime('%Y-%m-%dT%H:%M:%fZ', disabled_at))
) STRICT;

CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    user_id      TEXT NOT NULL REFERENCES users (id),
    name         TEXT,
    sha256       BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32), -- the key itself is not stored
    preview      TEXT NOT NULL,                                    -- its first 8 and last 4 characters
    scopes       TEXT NOT NULL CHECK (json_type(scopes) = 'object'),
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                               CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
    expires_at   TEXT CHECK (expires_at IS strftime('%Y-%m-%dT%H:%M:%fZ', expires_at)),
    revoked_at   TEXT CHECK (revoked_at IS strftime('%Y-%m-%dT%H:%M:%fZ', revoked_at)),
    last_used_at TEXT CHECK (last_used_at IS strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at)), -- to the minute
    made_by      TEXT REFERENCES users (id),                       -- NULL: the operator
    made_with    TEXT REFERENCES api_keys (id),                    -- NULL: made without a key
    invitation   INTEGER NOT NULL DEFAULT 0 CHECK (invitation IN (0, 1)) -- 1: can only be redeemed for a key
) STRICT;

CREATE INDEX api_keys_by_user  ON api_keys (user_id);
CREATE INDEX api_keys_by_maker ON api_keys (made_with) WHERE made_with IS NOT NULL;

-- The keys made with a deleted key count as made with its maker.
CREATE TRIGGER api_keys_delete BEFORE DELETE ON api_keys
BEGIN
    UPDATE api_keys SET made_with = OLD.made_with WHERE made_with = OLD.id;
END;

-- The keys with their users. An invitation ends when its user or its maker is disabled.
CREATE VIEW keys AS
SELECT
    api_keys.id, user_id, owner.email, owner.role, name, preview, scopes, api_keys.created_at, expires_at,
    revoked_at, last_used_at, maker.email AS made_by, made_with, invitation,
    CASE
        WHEN invitation AND last_used_at IS NOT NULL THEN 'used'
        WHEN revoked_at IS NOT NULL THEN 'revoked'
        WHEN owner.disabled_at IS NOT NULL OR invitation AND maker.disabled_at IS NOT NULL THEN 'disabled'
        WHEN expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'expired'
        ELSE 'valid'
    END AS state,
    coalesce(
        revoked_at,
        owner.disabled_at,
        iif(invitation, maker.disabled_at, NULL),
        iif(expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), expires_at, NULL)
    ) AS ended_at
FROM api_keys
JOIN users AS owner ON owner.id = user_id
LEFT JOIN users AS maker ON maker.id = made_by;


-- Clients. `json` is the record as the API returns it. SQLite generates it when the row is written, so a
-- read only copies it. This is the only definition of a client's JSON representation.

CREATE TABLE clients (
    seq                  INTEGER PRIMARY KEY, -- order of lists, by creation time: acare/store/creation.py
    id                   TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    user_id              TEXT NOT NULL REFERENCES users (id),
    first_name           TEXT NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name            TEXT NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    email                TEXT CHECK (length(email) <= 254),
    phone                TEXT CHECK (length(phone) <= 40),
    client_type          TEXT NOT NULL
                              CHECK (client_type = 'buyer' OR client_type = 'seller' OR client_type = 'both'),
    status               TEXT NOT NULL CHECK (status = 'active' OR status = 'inactive' OR status = 'closed'),
    source               TEXT CHECK (length(source) <= 100),
    -- ANY stores integers as integers and fractions as fractions. Any text is greater than any number.
    budget_min           ANY CHECK (budget_min BETWEEN 0 AND 1000000000000),
    budget_max           ANY CHECK (budget_max BETWEEN 0 AND 1000000000000),
    preferred_locations  TEXT NOT NULL CHECK (json_type(preferred_locations) = 'array'),
    property_preferences TEXT NOT NULL CHECK (json_type(property_preferences) = 'object'),
    pre_approved         INTEGER NOT NULL CHECK (pre_approved IN (0, 1)),
    pre_approval_amount  ANY CHECK (pre_approval_amount BETWEEN 0 AND 1000000000000),
    notes                TEXT CHECK (length(notes) <= 10000),
    tags                 TEXT NOT NULL CHECK (json_type(tags) = 'array'),
    version              INTEGER NOT NULL CHECK (version >= 1),
    created_at           TEXT NOT NULL CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
    updated_at           TEXT NOT NULL CHECK (updated_at >= created_at)
                                       CHECK (updated_at IS strftime('%Y-%m-%dT%H:%M:%fZ', updated_at)),
    made_by              TEXT REFERENCES users (id), -- the user who wrote this version; NULL: the operator
    -- NULL unless an import wrote this version.
    imported_at          TEXT CHECK (imported_at IS strftime('%Y-%m-%dT%H:%M:%fZ', imported_at)),
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
    -- The version at the source that the last import of the client has read; NULL: there was none, or it is unknown.
    source_version       INTEGER,
    CONSTRAINT budget_order CHECK (budget_min <= budget_max)
) STRICT;

-- Without a new version, caches, the history and the feed of changes would miss a change. (An import that changes
-- no field still updates source_version. A BEFORE trigger would make SQLite read the row of every UPDATE twice.)
CREATE TRIGGER clients_new_version AFTER UPDATE ON clients
WHEN NEW.version <= OLD.version AND NEW.source_version IS OLD.source_version
BEGIN
    SELECT RAISE(ABORT, 'an UPDATE of a client needs a greater version');
END;

-- Lists. Every index ends in seq, their order. A list by type alone, or by status alone, merges the entries
-- for all values of the other (acare/store/list_statements.py): each index costs every new client a page of the
-- log.
CREATE INDEX clients_by_seq              ON clients (seq);
CREATE INDEX clients_by_type_status      ON clients (client_type, status);
CREATE INDEX clients_by_user             ON clients (user_id);
CREATE INDEX clients_by_user_type_status ON clients (user_id, client_type, status);


-- Search by an e-mail address, and by words.

CREATE INDEX clients_by_email ON clients (email COLLATE NOCASE);

-- `search_words` is a function of acare (search_terms.py). Another program that changes or deletes a client fails
-- with "no such function" instead of leaving the index behind.
CREATE VIEW clients_words AS
SELECT
    seq,
    search_words(
        CAST(first_name AS BLOB), CAST(last_name AS BLOB), CAST(email AS BLOB), CAST(phone AS BLOB),
        CAST(preferred_locations AS BLOB), CAST(tags AS BLOB), CAST(notes AS BLOB)
    ) AS words
FROM clients;

-- Deleted words stay in the file until FTS5 merges its segments (acare/store/search.py). `prefix` is for the
-- notes: without it, a search for one letter reads a tenth of their words.
CREATE VIRTUAL TABLE clients_search USING fts5 (
    words,
    content = 'clients_words',
    content_rowid = 'seq',
    columnsize = 0,
    prefix = '1',
    tokenize = 'unicode61 remove_diacritics 2'
);

-- The clients that this transaction has changed: they are indexed together before its COMMIT
-- (acare/store/search.py), since FTS5 writes a segment for each statement. Empty between transactions, except
-- after a client was inserted by another program.
CREATE TABLE clients_to_index (
    seq   INTEGER PRIMARY KEY,
    words TEXT -- as they are in the index; NULL: the client is not in it
) STRICT;

CREATE TRIGGER clients_search_insert AFTER INSERT ON clients
BEGIN
    INSERT INTO clients_to_index (seq) VALUES (NEW.seq)
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER clients_search_delete BEFORE DELETE ON clients
BEGIN
    INSERT INTO clients_to_index (seq, words)
    SELECT seq, words FROM clients_words WHERE seq = OLD.seq
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER clients_search_update
BEFORE UPDATE OF seq, first_name, last_name, email, phone, preferred_locations, tags, notes ON clients
WHEN (OLD.seq, OLD.first_name, OLD.last_name, OLD.email, OLD.phone, OLD.preferred_locations, OLD.tags, OLD.notes)
    IS NOT (NEW.seq, NEW.first_name, NEW.last_name, NEW.email, NEW.phone, NEW.preferred_locations, NEW.tags,
            NEW.notes)
BEGIN
    INSERT INTO clients_to_index (seq, words)
    SELECT seq, words FROM clients_words WHERE seq = OLD.seq
    ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER clients_search_move AFTER UPDATE OF seq ON clients
BEGIN
    INSERT INTO clients_to_index (seq) VALUES (NEW.seq)
    ON CONFLICT DO NOTHING;
END;


-- The number of clients for each combination of owner, type and status, maintained by triggers: counting a
-- million rows would slow down every list.

CREATE TABLE client_totals (
    user_id     TEXT NOT NULL,
    client_type TEXT NOT NULL,
    status      TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (user_id, client_type, status)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER clients_count_insert AFTER INSERT ON clients
BEGIN
    INSERT INTO client_totals (user_id, client_type, status, total)
    VALUES (NEW.user_id, NEW.client_type, NEW.status, 1)
    ON CONFLICT (user_id, client_type, status) DO UPDATE SET total = total + 1;
END;

CREATE TRIGGER clients_count_delete AFTER DELETE ON clients
BEGIN
    UPDATE client_totals SET total = total - 1
    WHERE user_id = OLD.user_id AND client_type = OLD.client_type AND status = OLD.status;
END;

CREATE TRIGGER clients_count_update AFTER UPDATE OF user_id, client_type, status ON clients
WHEN (OLD.user_id, OLD.client_type, OLD.status) IS NOT (NEW.user_id, NEW.client_type, NEW.status)
BEGIN
    UPDATE client_totals SET total = total - 1
    WHERE user_id = OLD.user_id AND client_type = OLD.client_type AND status = OLD.status;
    INSERT INTO client_totals (user_id, client_type, status, total)
    VALUES (NEW.user_id, NEW.client_type, NEW.status, 1)
    ON CONFLICT (user_id, client_type, status) DO UPDATE SET total = total + 1;
END;


-- Previous versions of clients: the full record of each version that was updated or deleted. The response
-- to a stale version names the fields that have changed since; the operator sees who changed what.
-- `acare purge` and `acare erase` delete from it.

CREATE TABLE client_history (
    client_id   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    json        TEXT NOT NULL,
    made_by     TEXT REFERENCES users (id),
    -- When this version was replaced or deleted.
    ended_at    TEXT NOT NULL CHECK (ended_at IS strftime('%Y-%m-%dT%H:%M:%fZ', ended_at)),
    deleted     INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    deleted_by  TEXT REFERENCES users (id),
    imported_at TEXT CHECK (imported_at IS strftime('%Y-%m-%dT%H:%M:%fZ', imported_at)),
    seq         INTEGER, -- of a deleted client, for its restore
    PRIMARY KEY (client_id, version)
) STRICT;

CREATE INDEX client_history_by_end ON client_history (ended_at);

-- The deleted clients that can be restored, in the order of deletion: acare/store/deleted.py.
CREATE INDEX client_history_deleted ON client_history (ended_at) WHERE deleted;

-- The last version of each deleted client. (A client that was restored exists, or was deleted again at a later
-- version.)
CREATE VIEW deleted_clients AS
SELECT rowid AS position, *
FROM client_history AS last
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    AND version = (SELECT max(version) FROM client_history WHERE client_id = last.client_id);

CREATE TRIGGER clients_history_update AFTER UPDATE OF version ON clients
BEGIN
    INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, imported_at)
    VALUES (OLD.id, OLD.version, OLD.json, OLD.made_by,
            strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 0, OLD.imported_at);
END;

CREATE TRIGGER clients_history_delete AFTER DELETE ON clients
BEGIN
    INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, imported_at, seq)
    VALUES (OLD.id, OLD.version, OLD.json, OLD.made_by,
            strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 1, OLD.imported_at, OLD.seq);
END;


-- Changes, for copies that follow the clients: acare/store/changes.py. Each row is written in the transaction
-- of its change, so that the rows are in the order of the commits. A row has a version of a client and its
-- owner or, with `removed_at`, a client that was deleted or has left its owner's view. The rows of earlier
-- versions stay until `acare purge`: an index to find them would cost every write a page of the log.

CREATE TABLE client_changes (
    revision   INTEGER PRIMARY KEY,
    client_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    user_id    TEXT NOT NULL,
    removed_at TEXT CHECK (removed_at IS strftime('%Y-%m-%dT%H:%M:%fZ', removed_at))
) STRICT;

CREATE INDEX client_changes_removed ON client_changes (client_id) WHERE removed_at IS NOT NULL;

-- One row. A cursor is valid if it has this epoch and is not from before the last purged removal.
CREATE TABLE change_cursors (
    epoch  TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
    purged INTEGER NOT NULL DEFAULT 0 -- the revision of that removal
) STRICT;

INSERT INTO change_cursors DEFAULT VALUES;

CREATE TRIGGER clients_changes_insert AFTER INSERT ON clients
BEGIN
    INSERT INTO client_changes (client_id, version, user_id)
    VALUES (NEW.id, NEW.version, NEW.user_id);
END;

CREATE TRIGGER clients_changes_update AFTER UPDATE OF version ON clients
BEGIN
    INSERT INTO client_changes (client_id, version, user_id)
    VALUES (NEW.id, NEW.version, NEW.user_id);
END;

CREATE TRIGGER clients_changes_owner AFTER UPDATE OF user_id ON clients
WHEN OLD.user_id <> NEW.user_id
BEGIN
    INSERT INTO client_changes (client_id, version, user_id, removed_at)
    VALUES (OLD.id, OLD.version, OLD.user_id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END;

CREATE TRIGGER clients_changes_delete AFTER DELETE ON clients
BEGIN
    INSERT INTO client_changes (client_id, version, user_id, removed_at)
    VALUES (OLD.id, OLD.version, OLD.user_id, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
END;


-- Clients that were erased permanently: the id and the time, and nothing about the person. A restore of an
-- older backup erases them again.

CREATE TABLE erasures (
    client_id TEXT PRIMARY KEY CHECK (length(client_id) = 36),
    erased_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                            CHECK (erased_at IS strftime('%Y-%m-%dT%H:%M:%fZ', erased_at))
) STRICT;


-- Responses to POST requests with an Idempotency-Key, each written in the same transaction as the client that
-- the request created.

CREATE TABLE idempotency_keys (
    user_id        TEXT NOT NULL REFERENCES users (id),
    key            TEXT NOT NULL,
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32), -- of the client in the request body
    client_id      TEXT NOT NULL,
    json           TEXT NOT NULL,                                     -- the client in the response
    created_at     TEXT NOT NULL CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
    PRIMARY KEY (user_id, key)
) STRICT;

CREATE INDEX idempotency_keys_by_client  ON idempotency_keys (client_id);
CREATE INDEX idempotency_keys_by_created ON idempotency_keys (created_at);
