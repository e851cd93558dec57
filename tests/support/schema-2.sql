-- A database of schema 2, made over the API and by the commands of acare at the commit cb07b98, and dumped.
PRAGMA application_id = 1633902962;
PRAGMA user_version = 2;
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
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-343c-7bae-8cdb-aa4ca8cf653d', '01a21b92-3442-7e19-971e-b1a991a9a03c', 'office', X'3138BB9BC78DF27C473ECFD1410F7BD45EBAC1F59CF3FF9CFE4DB77AAB7AEDD3', '11111111…1111', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.194Z', NULL, NULL, '2026-11-27T05:54:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3459-7ebd-8d61-ca3eb50710a2', '01a21b92-345a-73de-896f-7cc8532a316b', 'laptop', X'4F2E8D65483C641648CDB374AE9D8ABD368D269E4DDFFE092A8237B8162CDDD6', '22222222…2222', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.218Z', NULL, NULL, '2026-11-27T05:54:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3465-7c44-9b0a-60c9f2f89d11', '01a21b92-345a-73de-896f-7cc8532a316b', 'reports', X'79BD7D7FD684B399857C582B1B7172DDF277D4FE1B027EC52B28DA3AE381E675', '33333333…3333', '{"clients": ["read"]}', '2026-11-27T05:54:56.233Z', '2126-11-03T05:54:56.233Z', NULL, '2026-11-27T05:54:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-346a-71c3-9d3c-fed311ddd313', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'lost phone', X'F435F2420B50C70EC80865CF8E20B169874165FB8576B48633CAF2A8176D2E4A', '44444444…4444', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.235Z', NULL, '2026-11-27T05:54:56.813Z', NULL);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3470-73c0-98d6-2dd6d961ac04', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, X'911878B1FF94A6DAECABA1D7EF6FDA0B97116A16291389427B402A013A2AE79F', '55555555…5555', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.241Z', '2020-01-01T00:00:00.000Z', NULL, NULL);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3479-7a93-a596-2233efd2f5e1', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, X'E72BBD4D429AC914A8A6C5BD49632FF6B00D4FEF42AFB443F0B8047DF06C85D2', '66666666…6666', '{"clients": ["read", "write", "delete"]}', '2026-11-27T05:54:56.250Z', NULL, NULL, '2026-11-27T05:54:00.000Z');
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at) VALUES ('01a21b92-3481-739b-997f-dfce6c7829f7', '01a21b92-3485-704d-a8cf-2d78f2be3d61', 'never used', X'C0B6304BD6CE9B3E65150392C91A3AA76803A59C29E46F9FB2B9AAC235E58386', '77777777…7777', '{}', '2026-11-27T05:54:56.262Z', NULL, NULL, NULL);
CREATE TABLE clients (
    seq                  INTEGER PRIMARY KEY, -- order of lists, by creation time: acare/store/sequence.py
    id                   TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    user_id              TEXT NOT NULL REFERENCES users (id),
    first_name           TEXT NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name            TEXT NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    email                TEXT CHECK (length(email) <= 254),
    phone                TEXT CHECK (length(phone) <= 40),
    client_type          TEXT NOT NULL CHECK (client_type IN ('buyer', 'seller', 'both')),
    status               TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'closed')),
    source               TEXT CHECK (length(source) <= 100),
    -- ANY stores integers as integers and fractions as fractions.
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
    made_by              TEXT REFERENCES api_keys (id), -- the key that wrote this version; NULL: the operator
    import_id            INTEGER,                       -- the import that created the client
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
    -- For the search: the phone number without separators (0xA0 is a no-break space, 0x2013 an en dash) is one
    -- word, and its last ten and seven digits (no country or area code) are two more.
    digits               TEXT GENERATED ALWAYS AS (
        replace(replace(replace(replace(replace(replace(replace(replace(replace(phone,
            ' ', ''), '-', ''), '(', ''), ')', ''), '.', ''), '/', ''), '+', ''),
            char(0xA0), ''), char(0x2013), '')
    ) VIRTUAL,
    phone_digits         TEXT GENERATED ALWAYS AS (
        digits || iif(length(digits) > 10, ' ' || substr(digits, -10), '')
               || iif(length(digits) > 7, ' ' || substr(digits, -7), '')
    ) STORED,
    CONSTRAINT budget_order CHECK (budget_min <= budget_max)
) STRICT;
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (-141829400000000, '01a21b92-35a0-7e1f-b6df-a0c0e565956d', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ivo', 'Import', 'ivo@example.com', NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '1969-07-20T20:17:40.000Z', '1969-07-20T20:17:40.000Z', NULL, 1);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (15567048000000000, '01a21b92-35a5-7c1c-a3a8-1364057d2ecc', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ida', 'Import', 'ida@example.com', '+49 30 123456', 'seller', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 2, '2019-05-01T10:00:00.000Z', '2026-11-27T05:54:56.633Z', '01a21b92-3479-7a93-a596-2233efd2f5e1', 1);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (17957588963060000, '01a21b92-34b0-7236-ab5e-d3cf90d69ada', '01a21b92-345a-73de-896f-7cc8532a316b', 'Jordan', 'Lee', NULL, '(661) 555-0142', 'buyer', 'closed', 'web', 250000, 400000.5, '["Lisboa","São João; -- Estoril"]', '{"bedrooms_min":2,"pool":true,"property_types":["house"]}', 1, 300000, 'Likes "O''Neill''s";
-- calls	after 6 /* pm */ 🏠', '["vip","客户"]', 3, '2026-11-27T05:54:56.306Z', '2026-11-27T05:54:56.388Z', '01a21b92-3459-7ebd-8d61-ca3eb50710a2', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (17957588963230000, '01a21b92-34c3-7795-9857-7edb600b234f', '01a21b92-345a-73de-896f-7cc8532a316b', 'Zoë', 'Lee', NULL, NULL, 'seller', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-11-27T05:54:56.323Z', '2026-11-27T05:54:56.323Z', '01a21b92-3459-7ebd-8d61-ca3eb50710a2', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (17957588963380000, '01a21b92-34d2-7af9-b827-f41617af20cf', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Old key', 'Lee', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-11-27T05:54:56.338Z', '2026-11-27T05:54:56.338Z', '01a21b92-3479-7a93-a596-2233efd2f5e1', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (17957588963580000, '01a21b92-34e6-720e-8374-a76ec93ee02e', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Gus', 'Lee', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 2, '2026-11-27T05:54:56.358Z', '2026-11-27T05:54:56.692Z', NULL, NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (17957588963660000, '01a21b92-34ee-7674-963e-4c2aa6f3018b', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Finn', 'Lee', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, 'x', '[]', 2, '2026-11-27T05:54:56.366Z', '2026-11-27T05:54:56.391Z', '01a21b92-3479-7a93-a596-2233efd2f5e1', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, import_id) VALUES (17957588965500000, '01a21b92-35a6-705c-b40b-de7b9bb65f9e', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ulla', 'Import', 'ulla@example.com', NULL, 'both', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-11-27T05:54:56.550Z', '2026-11-27T05:54:56.550Z', NULL, 1);
CREATE VIRTUAL TABLE clients_search USING fts5 (
    first_name, last_name, email, phone, phone_digits,
    content = 'clients',
    content_rowid = 'seq',
    columnsize = 0,
    prefix = '2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TABLE client_totals (
    user_id     TEXT NOT NULL,
    client_type TEXT NOT NULL,
    status      TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (user_id, client_type, status)
) STRICT, WITHOUT ROWID;
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-3442-7e19-971e-b1a991a9a03c', 'both', 'inactive', 0);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'buyer', 'active', 0);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'buyer', 'closed', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'seller', 'active', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'both', 'active', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'buyer', 'active', 4);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'seller', 'active', 1);
CREATE TABLE client_history (
    client_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    json       TEXT NOT NULL,
    made_by    TEXT REFERENCES api_keys (id),
    ended_at   TEXT NOT NULL, -- when this version was replaced or deleted
    deleted    INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    deleted_by TEXT REFERENCES api_keys (id),
    PRIMARY KEY (client_id, version)
) STRICT;
INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted, deleted_by) VALUES ('01a21b92-34b0-7236-ab5e-d3cf90d69ada', 1, 17957588963060000, '{"id":"01a21b92-34b0-7236-ab5e-d3cf90d69ada","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"active","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":1,"created_at":"2026-11-27T05:54:56.306Z","updated_at":"2026-11-27T05:54:56.306Z"}', '01a21b92-3459-7ebd-8d61-ca3eb50710a2', '2026-11-27T05:54:56.386Z', 0, NULL);
INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted, deleted_by) VALUES ('01a21b92-34b0-7236-ab5e-d3cf90d69ada', 2, 17957588963060000, '{"id":"01a21b92-34b0-7236-ab5e-d3cf90d69ada","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"closed","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":2,"created_at":"2026-11-27T05:54:56.306Z","updated_at":"2026-11-27T05:54:56.386Z"}', '01a21b92-3459-7ebd-8d61-ca3eb50710a2', '2026-11-27T05:54:56.388Z', 0, NULL);
INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted, deleted_by) VALUES ('01a21b92-34ee-7674-963e-4c2aa6f3018b', 1, 17957588963660000, '{"id":"01a21b92-34ee-7674-963e-4c2aa6f3018b","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Finn","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.366Z","updated_at":"2026-11-27T05:54:56.366Z"}', '01a21b92-3479-7a93-a596-2233efd2f5e1', '2026-11-27T05:54:56.391Z', 0, NULL);
INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted, deleted_by) VALUES ('01a21b92-34da-7465-a66b-e1d97161dffe', 1, 17957588963460000, '{"id":"01a21b92-34da-7465-a66b-e1d97161dffe","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Dana","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":1000000000000,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.346Z","updated_at":"2026-11-27T05:54:56.346Z"}', '01a21b92-3479-7a93-a596-2233efd2f5e1', '2026-11-27T05:54:56.399Z', 1, '01a21b92-343c-7bae-8cdb-aa4ca8cf653d');
INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted, deleted_by) VALUES ('01a21b92-34e6-720e-8374-a76ec93ee02e', 1, 17957588963580000, '{"id":"01a21b92-34e6-720e-8374-a76ec93ee02e","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Gus","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.358Z","updated_at":"2026-11-27T05:54:56.358Z"}', '01a21b92-3479-7a93-a596-2233efd2f5e1', '2026-11-27T05:54:56.410Z', 1, '01a21b92-3479-7a93-a596-2233efd2f5e1');
INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted, deleted_by) VALUES ('01a21b92-35a5-7c1c-a3a8-1364057d2ecc', 1, 15567048000000000, '{"id":"01a21b92-35a5-7c1c-a3a8-1364057d2ecc","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Ida","last_name":"Import","email":"ida@example.com","phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2019-05-01T10:00:00.000Z","updated_at":"2019-05-01T10:00:00.000Z"}', NULL, '2026-11-27T05:54:56.633Z', 0, NULL);
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
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'ana-1', X'26EC9FAE6F324101B6CA43840C405FC03636F957E4EA2147F9DCAA4C46301FD8', '01a21b92-34c3-7795-9857-7edb600b234f', '{"id":"01a21b92-34c3-7795-9857-7edb600b234f","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Zoë","last_name":"Lee","email":null,"phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.323Z","updated_at":"2026-11-27T05:54:56.323Z"}', '2026-11-27T05:54:56.323Z');
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'ben-1', X'BE3C1F75F570C517ECDAF0B6E3E7E9929EF9E57D6325A2FBF990D7FC68A77BCD', '01a21b92-34d2-7af9-b827-f41617af20cf', '{"id":"01a21b92-34d2-7af9-b827-f41617af20cf","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Old key","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.338Z","updated_at":"2026-11-27T05:54:56.338Z"}', '2020-01-01T00:00:00.000Z');
CREATE TABLE imports (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- `import --again` deletes an import; its id is not used again
    fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 32), -- SHA-256 of the source and the rules
    rows_sha256 BLOB NOT NULL CHECK (length(rows_sha256) = 32),
    done        INTEGER NOT NULL,                                      -- rows
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    skipped     INTEGER NOT NULL,
    started_at  TEXT NOT NULL
) STRICT;
INSERT INTO imports (id, fingerprint, rows_sha256, done, created, updated, skipped, started_at) VALUES (1, X'D27D5FA30370D974DF8D309F807B9B311A5C3DC4AA162C6A6F5D23A656E9AB20', X'9E87D72D6869DBA500C780A82114E0711A887A5D0543F1BD439AD5AC329D3A44', 3, 3, 0, 0, '2026-11-27T05:54:56.544Z');
CREATE INDEX api_keys_by_user ON api_keys (user_id);
CREATE INDEX clients_by_seq              ON clients (seq);
CREATE INDEX clients_by_type             ON clients (client_type);
CREATE INDEX clients_by_status           ON clients (status);
CREATE INDEX clients_by_type_status      ON clients (client_type, status);
CREATE INDEX clients_by_user             ON clients (user_id);
CREATE INDEX clients_by_user_type        ON clients (user_id, client_type);
CREATE INDEX clients_by_user_status      ON clients (user_id, status);
CREATE INDEX clients_by_user_type_status ON clients (user_id, client_type, status);
CREATE INDEX clients_by_email ON clients (email COLLATE NOCASE);
CREATE INDEX client_history_by_end ON client_history (ended_at);
CREATE INDEX idempotency_keys_by_client  ON idempotency_keys (client_id);
CREATE INDEX idempotency_keys_by_created ON idempotency_keys (created_at);
INSERT INTO clients_search (clients_search) VALUES ('rebuild');
CREATE TRIGGER clients_search_insert AFTER INSERT ON clients
BEGIN
    INSERT INTO clients_search (rowid, first_name, last_name, email, phone, phone_digits)
    VALUES (NEW.seq, NEW.first_name, NEW.last_name, NEW.email, NEW.phone, NEW.phone_digits);
END;
CREATE TRIGGER clients_search_delete AFTER DELETE ON clients
BEGIN
    INSERT INTO clients_search (clients_search, rowid, first_name, last_name, email, phone, phone_digits)
    VALUES ('delete', OLD.seq, OLD.first_name, OLD.last_name, OLD.email, OLD.phone, OLD.phone_digits);
END;
CREATE TRIGGER clients_search_update AFTER UPDATE OF first_name, last_name, email, phone ON clients
WHEN (OLD.first_name, OLD.last_name, OLD.email, OLD.phone)
    IS NOT (NEW.first_name, NEW.last_name, NEW.email, NEW.phone)
BEGIN
    INSERT INTO clients_search (clients_search, rowid, first_name, last_name, email, phone, phone_digits)
    VALUES ('delete', OLD.seq, OLD.first_name, OLD.last_name, OLD.email, OLD.phone, OLD.phone_digits);
    INSERT INTO clients_search (rowid, first_name, last_name, email, phone, phone_digits)
    VALUES (NEW.seq, NEW.first_name, NEW.last_name, NEW.email, NEW.phone, NEW.phone_digits);
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
    INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted)
    VALUES (OLD.id, OLD.version, OLD.seq, OLD.json, OLD.made_by, NEW.updated_at, 0);
END;
CREATE TRIGGER clients_history_delete AFTER DELETE ON clients
BEGIN
    INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted)
    VALUES (OLD.id, OLD.version, OLD.seq, OLD.json, OLD.made_by,
            max(OLD.updated_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), 1);
END;
