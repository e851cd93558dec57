-- A database of schema 3: schema-2.sql, migrated and changed over the API of acare at the commit 71e6642, and dumped.
PRAGMA application_id = 1633902962;
PRAGMA user_version = 3;
CREATE TABLE users (
    id         TEXT PRIMARY KEY CHECK (length(id) = 36),
    email      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL CHECK (role IN ('agent', 'broker')),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    disabled_at TEXT -- from then on the user's keys are not valid
) STRICT;
INSERT INTO users (id, email, role, created_at, disabled_at) VALUES ('01a21b92-3442-7e19-971e-b1a991a9a03c', 'broker@example.com', 'broker', '2026-11-27T05:54:56.194Z', NULL);
INSERT INTO users (id, email, role, created_at, disabled_at) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'ana@example.com', 'agent', '2026-11-27T05:54:56.218Z', NULL);
INSERT INTO users (id, email, role, created_at, disabled_at) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'ben@example.com', 'agent', '2026-11-27T05:54:56.235Z', NULL);
INSERT INTO users (id, email, role, created_at, disabled_at) VALUES ('01a21b92-3485-704d-a8cf-2d78f2be3d61', 'nia@example.com', 'agent', '2026-11-27T05:54:56.261Z', '2026-11-27T05:54:56.774Z');
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    user_id      TEXT NOT NULL REFERENCES users (id),
    name         TEXT,
    sha256       BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32), -- the key itself is not stored
    preview      TEXT NOT NULL,                                    -- its first 8 and last 4 characters, or 'host'
    scopes       TEXT NOT NULL CHECK (json_type(scopes) = 'object'),
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    expires_at   TEXT,
    revoked_at   TEXT,
    last_used_at TEXT                                              -- to the minute
) STRICT;
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-343c-7bae-8cdb-aa4ca8cf653d', '01a21b92-3442-7e19-971e-b1a991a9a03c', 'office', X'3138BB9BC78DF27C473ECFD1410F7BD45EBAC1F59CF3FF9CFE4DB77AAB7AEDD3', '11111111…1111', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.194Z', NULL, NULL, '2026-11-29T01:17:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3459-7ebd-8d61-ca3eb50710a2', '01a21b92-345a-73de-896f-7cc8532a316b', 'laptop', X'4F2E8D65483C641648CDB374AE9D8ABD368D269E4DDFFE092A8237B8162CDDD6', '22222222…2222', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.218Z', NULL, NULL, '2026-11-29T01:17:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3465-7c44-9b0a-60c9f2f89d11', '01a21b92-345a-73de-896f-7cc8532a316b', 'reports', X'79BD7D7FD684B399857C582B1B7172DDF277D4FE1B027EC52B28DA3AE381E675', '33333333…3333', '{"clients": ["read"]}', '2026-11-27T05:54:56.233Z', '2126-11-03T05:54:56.233Z', NULL, '2026-11-29T01:17:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-346a-71c3-9d3c-fed311ddd313', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'lost phone', X'F435F2420B50C70EC80865CF8E20B169874165FB8576B48633CAF2A8176D2E4A', '44444444…4444', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.235Z', NULL, '2026-11-27T05:54:56.813Z', NULL);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3470-73c0-98d6-2dd6d961ac04', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, X'911878B1FF94A6DAECABA1D7EF6FDA0B97116A16291389427B402A013A2AE79F', '55555555…5555', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.241Z', '2020-01-01T00:00:00.000Z', NULL, NULL);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3479-7a93-a596-2233efd2f5e1', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, X'E72BBD4D429AC914A8A6C5BD49632FF6B00D4FEF42AFB443F0B8047DF06C85D2', '66666666…6666', '{"clients": ["read", "write", "delete"]}', '2026-11-27T05:54:56.250Z', NULL, NULL, '2026-11-29T01:17:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3481-739b-997f-dfce6c7829f7', '01a21b92-3485-704d-a8cf-2d78f2be3d61', 'never used', X'C0B6304BD6CE9B3E65150392C91A3AA76803A59C29E46F9FB2B9AAC235E58386', '77777777…7777', '{}', '2026-11-27T05:54:56.262Z', NULL, NULL, NULL);
CREATE TABLE client_totals (
    user_id     TEXT NOT NULL,
    client_type TEXT NOT NULL,
    status      TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (user_id, client_type, status)
) STRICT, WITHOUT ROWID;
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-3442-7e19-971e-b1a991a9a03c', 'both', 'inactive', 0);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'buyer', 'active', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'buyer', 'closed', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'seller', 'active', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'both', 'active', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'buyer', 'active', 3);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'seller', 'active', 1);
CREATE TABLE erasures (
    client_id TEXT PRIMARY KEY CHECK (length(client_id) = 36),
    erased_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
INSERT INTO erasures (client_id, erased_at) VALUES ('01a21b92-34f7-7a91-b856-380f2238071e', '2026-11-27T05:54:56.734Z');
CREATE TABLE idempotency_keys (
    user_id        TEXT NOT NULL REFERENCES users (id),
    key            TEXT NOT NULL,
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32), -- of the client in the request body
    client_id      TEXT NOT NULL,
    json           TEXT NOT NULL,                                     -- the client in the response
    created_at     TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT;
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'ana-1', X'26EC9FAE6F324101B6CA43840C405FC03636F957E4EA2147F9DCAA4C46301FD8', '01a21b92-34c3-7795-9857-7edb600b234f', '{"id":"01a21b92-34c3-7795-9857-7edb600b234f","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Zoë","last_name":"Lee","email":null,"phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.323Z","updated_at":"2026-11-27T05:54:56.323Z"}', '2026-11-29T01:17:52.481Z');
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'ben-3', X'A0C215CC56E3C5F66C1C5F2332E1D5C262BD06008D3FAD4B51E1958C17B9AE17', '01a224e1-43fe-7789-96f3-29f7c62a7ca8', '{"id":"01a224e1-43fe-7789-96f3-29f7c62a7ca8","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Ivy","last_name":"Søndergård","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":["new"],"version":1,"created_at":"2026-11-29T01:17:52.511Z","updated_at":"2026-11-29T01:17:52.511Z"}', '2026-11-29T01:17:52.511Z');
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
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (-14182940000000000, '01a21b92-35a0-7e1f-b6df-a0c0e565956d', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ivo', 'Import', 'ivo@example.com', NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '1969-07-20T20:17:40.000Z', '1969-07-20T20:17:40.000Z', NULL, '2026-11-27T05:54:56.544Z');
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1556704800000000000, '01a21b92-35a5-7c1c-a3a8-1364057d2ecc', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ida', 'Import', 'ida@example.com', '+49 30 123456', 'seller', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 2, '2019-05-01T10:00:00.000Z', '2026-11-27T05:54:56.633Z', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-27T05:54:56.544Z');
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896306000000, '01a21b92-34b0-7236-ab5e-d3cf90d69ada', '01a21b92-345a-73de-896f-7cc8532a316b', 'Jordan', 'Lee', NULL, '(661) 555-0142', 'buyer', 'closed', 'web', 250000, 400000.5, '["Lisboa","São João; -- Estoril"]', '{"bedrooms_min":2,"pool":true,"property_types":["house"]}', 1, 300000, 'Likes "O''Neill''s";
-- calls	after 6 /* pm */ 🏠', '["vip","客户"]', 3, '2026-11-27T05:54:56.306Z', '2026-11-27T05:54:56.388Z', '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896323000000, '01a21b92-34c3-7795-9857-7edb600b234f', '01a21b92-345a-73de-896f-7cc8532a316b', 'Zoë', 'Lee', NULL, NULL, 'seller', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-11-27T05:54:56.323Z', '2026-11-27T05:54:56.323Z', '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896358000000, '01a21b92-34e6-720e-8374-a76ec93ee02e', '01a21b92-345a-73de-896f-7cc8532a316b', 'Gus', 'Lee', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 3, '2026-11-27T05:54:56.358Z', '2026-11-29T01:17:52.515Z', '01a21b92-3442-7e19-971e-b1a991a9a03c', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896366000000, '01a21b92-34ee-7674-963e-4c2aa6f3018b', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Finn', 'Lee', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, 'x', '[]', 3, '2026-11-27T05:54:56.366Z', '2026-11-29T01:17:52.518Z', NULL, NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896550000000, '01a21b92-35a6-705c-b40b-de7b9bb65f9e', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ulla', 'Import', 'ulla@example.com', NULL, 'both', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-11-27T05:54:56.550Z', '2026-11-27T05:54:56.550Z', NULL, '2026-11-27T05:54:56.544Z');
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795915072511000000, '01a224e1-43fe-7789-96f3-29f7c62a7ca8', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ivy', 'Søndergård', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, 'Calls

after six', '["new"]', 2, '2026-11-29T01:17:52.511Z', '2026-11-29T01:17:52.515Z', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
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
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34b0-7236-ab5e-d3cf90d69ada', 1, '{"id":"01a21b92-34b0-7236-ab5e-d3cf90d69ada","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"active","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":1,"created_at":"2026-11-27T05:54:56.306Z","updated_at":"2026-11-27T05:54:56.306Z"}', '01a21b92-345a-73de-896f-7cc8532a316b', '2026-11-27T05:54:56.386Z', 0, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34b0-7236-ab5e-d3cf90d69ada', 2, '{"id":"01a21b92-34b0-7236-ab5e-d3cf90d69ada","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"closed","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":2,"created_at":"2026-11-27T05:54:56.306Z","updated_at":"2026-11-27T05:54:56.386Z"}', '01a21b92-345a-73de-896f-7cc8532a316b', '2026-11-27T05:54:56.388Z', 0, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34ee-7674-963e-4c2aa6f3018b', 1, '{"id":"01a21b92-34ee-7674-963e-4c2aa6f3018b","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Finn","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.366Z","updated_at":"2026-11-27T05:54:56.366Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-27T05:54:56.391Z', 0, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34da-7465-a66b-e1d97161dffe', 1, '{"id":"01a21b92-34da-7465-a66b-e1d97161dffe","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Dana","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":1000000000000,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.346Z","updated_at":"2026-11-27T05:54:56.346Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-27T05:54:56.399Z', 1, '01a21b92-3442-7e19-971e-b1a991a9a03c', NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34e6-720e-8374-a76ec93ee02e', 1, '{"id":"01a21b92-34e6-720e-8374-a76ec93ee02e","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Gus","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.358Z","updated_at":"2026-11-27T05:54:56.358Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-27T05:54:56.410Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-35a5-7c1c-a3a8-1364057d2ecc', 1, '{"id":"01a21b92-35a5-7c1c-a3a8-1364057d2ecc","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Ida","last_name":"Import","email":"ida@example.com","phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2019-05-01T10:00:00.000Z","updated_at":"2019-05-01T10:00:00.000Z"}', NULL, '2026-11-27T05:54:56.633Z', 0, NULL, '2026-11-27T05:54:56.544Z');
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a224e1-43fe-7789-96f3-29f7c62a7ca8', 1, '{"id":"01a224e1-43fe-7789-96f3-29f7c62a7ca8","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Ivy","last_name":"Søndergård","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":["new"],"version":1,"created_at":"2026-11-29T01:17:52.511Z","updated_at":"2026-11-29T01:17:52.511Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.515Z', 0, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34e6-720e-8374-a76ec93ee02e', 2, '{"id":"01a21b92-34e6-720e-8374-a76ec93ee02e","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Gus","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":2,"created_at":"2026-11-27T05:54:56.358Z","updated_at":"2026-11-27T05:54:56.692Z"}', NULL, '2026-11-29T01:17:52.515Z', 0, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34ee-7674-963e-4c2aa6f3018b', 2, '{"id":"01a21b92-34ee-7674-963e-4c2aa6f3018b","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Finn","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":"x","tags":[],"version":2,"created_at":"2026-11-27T05:54:56.366Z","updated_at":"2026-11-27T05:54:56.391Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.517Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at) VALUES ('01a21b92-34d2-7af9-b827-f41617af20cf', 1, '{"id":"01a21b92-34d2-7af9-b827-f41617af20cf","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Old key","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.338Z","updated_at":"2026-11-27T05:54:56.338Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.518Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
CREATE TABLE clients_to_index (
    seq       INTEGER PRIMARY KEY,
    words     TEXT,
    spellings TEXT
) STRICT;
INSERT INTO clients_to_index (seq, words, spellings) VALUES (1795758896338000000, 'Old key Lee   [] [] ', NULL);
INSERT INTO clients_to_index (seq, words, spellings) VALUES (1795758896366000000, 'Finn Lee   [] [] x', NULL);
INSERT INTO clients_to_index (seq, words, spellings) VALUES (1795915072511000000, 'Ivy Søndergård   [] ["new"] ', 'Ivy Sondergård   [] ["new"]  Ivy Soendergaard   [] ["new"] ');
CREATE TABLE client_changes (
    revision   INTEGER PRIMARY KEY,
    client_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    user_id    TEXT NOT NULL,
    removed_at TEXT
) STRICT;
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (1, '01a21b92-35a0-7e1f-b6df-a0c0e565956d', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (2, '01a21b92-35a5-7c1c-a3a8-1364057d2ecc', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (3, '01a21b92-34b0-7236-ab5e-d3cf90d69ada', 3, '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (4, '01a21b92-34c3-7795-9857-7edb600b234f', 1, '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (5, '01a21b92-34d2-7af9-b827-f41617af20cf', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (6, '01a21b92-34e6-720e-8374-a76ec93ee02e', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (7, '01a21b92-34ee-7674-963e-4c2aa6f3018b', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (8, '01a21b92-35a6-705c-b40b-de7b9bb65f9e', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (9, '01a224e1-43fe-7789-96f3-29f7c62a7ca8', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (10, '01a224e1-43fe-7789-96f3-29f7c62a7ca8', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (11, '01a21b92-34e6-720e-8374-a76ec93ee02e', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.515Z');
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (12, '01a21b92-34e6-720e-8374-a76ec93ee02e', 3, '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (13, '01a21b92-34ee-7674-963e-4c2aa6f3018b', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.517Z');
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (14, '01a21b92-34ee-7674-963e-4c2aa6f3018b', 3, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (15, '01a21b92-34d2-7af9-b827-f41617af20cf', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.518Z');
CREATE TABLE change_cursors (
    epoch  TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
    purged INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO change_cursors (epoch, purged) VALUES ('c69c10115b01a0b9', 0);
CREATE INDEX api_keys_by_user ON api_keys (user_id);
CREATE INDEX idempotency_keys_by_client  ON idempotency_keys (client_id);
CREATE INDEX idempotency_keys_by_created ON idempotency_keys (created_at);
CREATE INDEX client_history_by_end  ON client_history (ended_at);
CREATE INDEX client_history_deleted ON client_history (ended_at) WHERE deleted;
CREATE INDEX clients_by_seq              ON clients (seq);
CREATE INDEX clients_by_type_status      ON clients (client_type, status);
CREATE INDEX clients_by_user             ON clients (user_id);
CREATE INDEX clients_by_user_type_status ON clients (user_id, client_type, status);
CREATE INDEX clients_by_email ON clients (email COLLATE NOCASE);
CREATE INDEX client_changes_removed ON client_changes (client_id) WHERE removed_at IS NOT NULL;
CREATE VIEW clients_words AS
SELECT seq, words, iif(length(json) = length(CAST(json AS BLOB)), NULL, nullif(
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
        iif(words GLOB '*[øØłŁđĐæÆßẞ]*', words || ' ', '')
        || iif(words GLOB '*[äÄöÖüÜøØåÅ' || char(776, 778) || ']*',
            replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
                words,
                'ä', 'ae'), 'Ä', 'ae'), 'ö', 'oe'), 'Ö', 'oe'), 'ü', 'ue'), 'Ü', 'ue'),
                'ø', 'oe'), 'Ø', 'oe'), 'å', 'aa'), 'Å', 'aa'), char(776), 'e'), char(778), 'a'),
            ''),
        'ø', 'o'), 'Ø', 'o'), 'ł', 'l'), 'Ł', 'l'), 'đ', 'd'), 'Đ', 'd'),
        'æ', 'ae'), 'Æ', 'ae'), 'ß', 'ss'), 'ẞ', 'ss'),
    '')) AS spellings
FROM (
    SELECT
        seq,
        json,
        first_name || ' ' || last_name || ' ' || coalesce(email, '') || ' '
            || coalesce((SELECT phone || ' ' || number || ' ' || substr(number, -7) FROM (SELECT ltrim(
                replace(replace(replace(replace(replace(replace(replace(replace(replace(phone,
                    ' ', ''), '-', ''), '(', ''), ')', ''), '.', ''), '/', ''), '+', ''),
                    char(0xA0), ''), char(0x2013), ''), '0') AS number)), '') || ' '
            || preferred_locations || ' ' || tags || ' ' || coalesce(notes, '') AS words
    FROM clients
);
CREATE VIRTUAL TABLE clients_search USING fts5 (
    words, spellings,
    content = 'clients_words',
    content_rowid = 'seq',
    columnsize = 0,
    prefix = '1',
    tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO clients_search (rowid, words, spellings)
SELECT seq, words, spellings FROM clients_words WHERE seq NOT IN (SELECT seq FROM clients_to_index)
UNION ALL
SELECT seq, words, spellings FROM clients_to_index WHERE words IS NOT NULL;
CREATE TRIGGER clients_search_insert AFTER INSERT ON clients
BEGIN
    INSERT INTO clients_to_index (seq) VALUES (NEW.seq)
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER clients_search_delete BEFORE DELETE ON clients
BEGIN
    INSERT INTO clients_to_index (seq, words, spellings)
    SELECT seq, words, spellings FROM clients_words WHERE seq = OLD.seq
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER clients_search_update
BEFORE UPDATE OF first_name, last_name, email, phone, preferred_locations, tags, notes ON clients
WHEN (OLD.first_name, OLD.last_name, OLD.email, OLD.phone, OLD.preferred_locations, OLD.tags, OLD.notes)
    IS NOT (NEW.first_name, NEW.last_name, NEW.email, NEW.phone, NEW.preferred_locations, NEW.tags, NEW.notes)
BEGIN
    INSERT INTO clients_to_index (seq, words, spellings)
    SELECT seq, words, spellings FROM clients_words WHERE seq = OLD.seq
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER clients_index_some AFTER INSERT ON clients_to_index
WHEN (SELECT count(*) FROM clients_to_index) > 32
BEGIN
    DELETE FROM clients_to_index WHERE seq <> NEW.seq;
END;
CREATE TRIGGER clients_index AFTER DELETE ON clients_to_index
BEGIN
    INSERT INTO clients_search (clients_search, rowid, words, spellings)
    SELECT 'delete', OLD.seq, OLD.words, OLD.spellings WHERE OLD.words IS NOT NULL;
    INSERT INTO clients_search (rowid, words, spellings)
    SELECT seq, words, spellings FROM clients_words WHERE seq = OLD.seq;
END;
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
CREATE TRIGGER clients_history_update AFTER UPDATE OF version ON clients
BEGIN
    INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, imported_at)
    VALUES (OLD.id, OLD.version, OLD.json, OLD.made_by, NEW.updated_at, 0, OLD.imported_at);
END;
CREATE TRIGGER clients_history_delete AFTER DELETE ON clients
BEGIN
    INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, imported_at)
    VALUES (OLD.id, OLD.version, OLD.json, OLD.made_by,
            max(OLD.updated_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), 1, OLD.imported_at);
END;
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
    VALUES (OLD.id, OLD.version, OLD.user_id, NEW.updated_at);
END;
CREATE TRIGGER clients_changes_delete AFTER DELETE ON clients
BEGIN
    INSERT INTO client_changes (client_id, version, user_id, removed_at)
    VALUES (OLD.id, OLD.version, OLD.user_id, max(OLD.updated_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')));
END;
