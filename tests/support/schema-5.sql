PRAGMA application_id = 1633902962;
PRAGMA user_version = 5;
CREATE TABLE users (
    id         TEXT PRIMARY KEY CHECK (length(id) = 36),
    email      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL CHECK (role IN ('agent', 'broker')),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                             CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
    -- From then on, the user's keys are not valid.
    disabled_at TEXT CHECK (disabled_at IS strftime('%Y-%m-%dT%H:%M:%fZ', disabled_at))
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
    preview      TEXT NOT NULL,                                    -- its first 8 and last 4 characters
    scopes       TEXT NOT NULL CHECK (json_type(scopes) = 'object'),
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                               CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
    expires_at   TEXT CHECK (expires_at IS strftime('%Y-%m-%dT%H:%M:%fZ', expires_at)),
    revoked_at   TEXT CHECK (revoked_at IS strftime('%Y-%m-%dT%H:%M:%fZ', revoked_at)),
    last_used_at TEXT CHECK (last_used_at IS strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at)), -- to the minute
    made_by      TEXT REFERENCES users (id),                       -- NULL: the operator
    made_with    TEXT REFERENCES api_keys (id),                    -- NULL: made without a key
    invitation   INTEGER NOT NULL DEFAULT 0 CHECK (invitation IN (0, 1)) -- 1: it can only be redeemed, for a key
) STRICT;
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a21b92-343c-7bae-8cdb-aa4ca8cf653d', '01a21b92-3442-7e19-971e-b1a991a9a03c', 'office', X'3138BB9BC78DF27C473ECFD1410F7BD45EBAC1F59CF3FF9CFE4DB77AAB7AEDD3', '11111111…1111', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.194Z', NULL, NULL, '2026-12-01T12:11:00.000Z', NULL, NULL, 0);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a21b92-3459-7ebd-8d61-ca3eb50710a2', '01a21b92-345a-73de-896f-7cc8532a316b', 'laptop', X'4F2E8D65483C641648CDB374AE9D8ABD368D269E4DDFFE092A8237B8162CDDD6', '22222222…2222', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.218Z', NULL, NULL, '2026-12-01T12:11:00.000Z', NULL, NULL, 0);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a21b92-3465-7c44-9b0a-60c9f2f89d11', '01a21b92-345a-73de-896f-7cc8532a316b', 'reports', X'79BD7D7FD684B399857C582B1B7172DDF277D4FE1B027EC52B28DA3AE381E675', '33333333…3333', '{"clients": ["read"]}', '2026-11-27T05:54:56.233Z', '2126-11-03T05:54:56.233Z', NULL, '2026-12-01T12:11:00.000Z', NULL, NULL, 0);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a21b92-346a-71c3-9d3c-fed311ddd313', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'lost phone', X'F435F2420B50C70EC80865CF8E20B169874165FB8576B48633CAF2A8176D2E4A', '44444444…4444', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.235Z', NULL, '2026-11-27T05:54:56.813Z', NULL, NULL, NULL, 0);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a21b92-3470-73c0-98d6-2dd6d961ac04', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, X'911878B1FF94A6DAECABA1D7EF6FDA0B97116A16291389427B402A013A2AE79F', '55555555…5555', '{"all": ["read", "write"]}', '2026-11-27T05:54:56.241Z', '2020-01-01T00:00:00.000Z', NULL, NULL, NULL, NULL, 0);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a21b92-3479-7a93-a596-2233efd2f5e1', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, X'E72BBD4D429AC914A8A6C5BD49632FF6B00D4FEF42AFB443F0B8047DF06C85D2', '66666666…6666', '{"clients": ["read", "write", "delete"]}', '2026-11-27T05:54:56.250Z', NULL, NULL, '2026-12-01T12:11:00.000Z', NULL, NULL, 0);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a21b92-3481-739b-997f-dfce6c7829f7', '01a21b92-3485-704d-a8cf-2d78f2be3d61', 'never used', X'C0B6304BD6CE9B3E65150392C91A3AA76803A59C29E46F9FB2B9AAC235E58386', '77777777…7777', '{}', '2026-11-27T05:54:56.262Z', NULL, NULL, NULL, NULL, NULL, 0);
INSERT INTO api_keys (id, user_id, name, sha256, preview, scopes, created_at, expires_at, revoked_at, last_used_at, made_by, made_with, invitation) VALUES ('01a23184-8a29-79f5-baa2-4b9598e65e6d', '01a21b92-3442-7e19-971e-b1a991a9a03c', 'tablet', X'B6014AC4130BE89CBFA3F14DABA903AADB0910531ECF3F783CA92E377F2B3287', '88888888…8888', '{"clients": ["read"]}', '2026-12-01T12:11:39.434Z', NULL, NULL, NULL, '01a21b92-3442-7e19-971e-b1a991a9a03c', '01a21b92-343c-7bae-8cdb-aa4ca8cf653d', 0);
CREATE INDEX api_keys_by_user  ON api_keys (user_id);
CREATE INDEX api_keys_by_maker ON api_keys (made_with) WHERE made_with IS NOT NULL;
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
    CONSTRAINT budget_order CHECK (budget_min <= budget_max)
) STRICT;
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (-14182940000000000, '01a21b92-35a0-7e1f-b6df-a0c0e565956d', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ivo', 'Import', 'ivo@example.com', NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '1969-07-20T20:17:40.000Z', '1969-07-20T20:17:40.000Z', NULL, '2026-11-27T05:54:56.544Z');
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1556704800000000000, '01a21b92-35a5-7c1c-a3a8-1364057d2ecc', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ida', 'Import', 'ida@example.com', '+49 30 123456', 'seller', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 2, '2019-05-01T10:00:00.000Z', '2026-11-27T05:54:56.633Z', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896306000000, '01a21b92-34b0-7236-ab5e-d3cf90d69ada', '01a21b92-345a-73de-896f-7cc8532a316b', 'Jordan', 'Lee', NULL, '(661) 555-0142', 'buyer', 'closed', 'web', 250000, 400000.5, '["Lisboa","São João; -- Estoril"]', '{"bedrooms_min":2,"pool":true,"property_types":["house"]}', 1, 300000, 'Likes "O''Neill''s";
-- calls	after 6 /* pm */ 🏠', '["vip","客户"]', 3, '2026-11-27T05:54:56.306Z', '2026-11-27T05:54:56.388Z', '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896323000000, '01a21b92-34c3-7795-9857-7edb600b234f', '01a21b92-345a-73de-896f-7cc8532a316b', 'Zoë', 'Lee', NULL, NULL, 'seller', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-11-27T05:54:56.323Z', '2026-11-27T05:54:56.323Z', '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896358000000, '01a21b92-34e6-720e-8374-a76ec93ee02e', '01a21b92-345a-73de-896f-7cc8532a316b', 'Gus', 'Lee', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 3, '2026-11-27T05:54:56.358Z', '2026-11-29T01:17:52.515Z', '01a21b92-3442-7e19-971e-b1a991a9a03c', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896366000000, '01a21b92-34ee-7674-963e-4c2aa6f3018b', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Finn', 'Lee', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, 'x', '[]', 3, '2026-11-27T05:54:56.366Z', '2026-11-29T01:17:52.518Z', NULL, NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795758896550000000, '01a21b92-35a6-705c-b40b-de7b9bb65f9e', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ulla', 'Import', 'ulla@example.com', NULL, 'both', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-11-27T05:54:56.550Z', '2026-11-27T05:54:56.550Z', NULL, '2026-11-27T05:54:56.544Z');
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1795915072511000000, '01a224e1-43fe-7789-96f3-29f7c62a7ca8', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'Ivy', 'Søndergård', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, 'Calls

after six', '["new"]', 2, '2026-11-29T01:17:52.511Z', '2026-11-29T01:17:52.515Z', '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1796127099435000000, '01a23184-8a2b-7a8d-a5b4-a606b662b5e8', '01a21b92-345a-73de-896f-7cc8532a316b', 'Oskar', 'Müller-Björk', NULL, '+49 (0)40 1234567', 'buyer', 'active', NULL, NULL, NULL, '[]', '{"lot":9007199254740993}', 0, NULL, 'smitha0 dinner smithb1 dinner smithc2 dinner smithd3 dinner smithe4 dinner smithf5 dinner smithg6 dinner smithh7 dinner smithi8 dinner smithj9 dinner smithk10 dinner smithl11 dinner smithm12 dinner smithn13 dinner smitho14 dinner smithp15 dinner smithq16 dinner smithr17 dinner smiths18 dinner smitht19 dinner smithu20 dinner smithv21 dinner smithw22 dinner smithx23 dinner smithy24 dinner smithz25 dinner smitha26 dinner smithb27 dinner smithc28 dinner smithd29 dinner smithe30 dinner smithf31 dinner smithg32 dinner smithh33 dinner smithi34 dinner smithj35 dinner smithk36 dinner smithl37 dinner smithm38 dinner smithn39 dinner smitho40 dinner smithp41 dinner smithq42 dinner smithr43 dinner smiths44 dinner smitht45 dinner smithu46 dinner smithv47 dinner smithw48 dinner smithx49 dinner smithy50 dinner smithz51 dinner smitha52 dinner smithb53 dinner smithc54 dinner smithd55 dinner smithe56 dinner smithf57 dinner smithg58 dinner smithh59 dinner smithi60 dinner smithj61 dinner smithk62 dinner smithl63 dinner smithm64 dinner smithn65 dinner smitho66 dinner smithp67 dinner smithq68 dinner smithr69 dinner smiths70 dinner smitht71 dinner smithu72 dinner smithv73 dinner smithw74 dinner smithx75 dinner smithy76 dinner smithz77 dinner smitha78 dinner smithb79 dinner smithc80 dinner smithd81 dinner smithe82 dinner smithf83 dinner smithg84 dinner smithh85 dinner smithi86 dinner smithj87 dinner smithk88 dinner smithl89 dinner smithm90 dinner smithn91 dinner smitho92 dinner smithp93 dinner smithq94 dinner smithr95 dinner smiths96 dinner smitht97 dinner smithu98 dinner smithv99 dinner smithw100 dinner smithx101 dinner smithy102 dinner smithz103 dinner smitha104 dinner smithb105 dinner smithc106 dinner smithd107 dinner smithe108 dinner smithf109 dinner smithg110 dinner smithh111 dinner smithi112 dinner smithj113 dinner smithk114 dinner smithl115 dinner smithm116 dinner smithn117 dinner smitho118 dinner smithp119 dinner', '["söder","vip"]', 3, '2026-12-01T12:11:39.435Z', '2026-12-01T12:11:39.442Z', '01a21b92-3442-7e19-971e-b1a991a9a03c', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1796127099437000000, '01a23184-8a2d-78f4-9610-435c52d714cd', '01a21b92-346b-7d7a-959a-3d89456e78ed', 'B', 'Gone', NULL, NULL, 'buyer', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 2, '2026-12-01T12:11:39.437Z', '2026-12-01T12:11:39.445Z', '01a21b92-3442-7e19-971e-b1a991a9a03c', NULL);
INSERT INTO clients (seq, id, user_id, first_name, last_name, email, phone, client_type, status, source, budget_min, budget_max, preferred_locations, property_preferences, pre_approved, pre_approval_amount, notes, tags, version, created_at, updated_at, made_by, imported_at) VALUES (1796127099439000000, '01a23184-8a2f-7502-a6e0-ca8ac3d83b9e', '01a21b92-345a-73de-896f-7cc8532a316b', 'Zoë', 'Lee', NULL, NULL, 'seller', 'active', NULL, NULL, NULL, '[]', '{}', 0, NULL, NULL, '[]', 1, '2026-12-01T12:11:39.439Z', '2026-12-01T12:11:39.439Z', '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
CREATE INDEX clients_by_seq              ON clients (seq);
CREATE INDEX clients_by_type_status      ON clients (client_type, status);
CREATE INDEX clients_by_user             ON clients (user_id);
CREATE INDEX clients_by_user_type_status ON clients (user_id, client_type, status);
CREATE INDEX clients_by_email ON clients (email COLLATE NOCASE);
CREATE TABLE clients_to_index (
    seq   INTEGER PRIMARY KEY,
    words TEXT -- as they are in the index; NULL: the client is not in it
) STRICT;
CREATE TABLE client_totals (
    user_id     TEXT NOT NULL,
    client_type TEXT NOT NULL,
    status      TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (user_id, client_type, status)
) STRICT, WITHOUT ROWID;
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-3442-7e19-971e-b1a991a9a03c', 'both', 'inactive', 0);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'buyer', 'active', 2);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'buyer', 'closed', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'seller', 'active', 2);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'both', 'active', 1);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'buyer', 'active', 4);
INSERT INTO client_totals (user_id, client_type, status, total) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'seller', 'active', 1);
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
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34b0-7236-ab5e-d3cf90d69ada', 1, '{"id":"01a21b92-34b0-7236-ab5e-d3cf90d69ada","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"active","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":1,"created_at":"2026-11-27T05:54:56.306Z","updated_at":"2026-11-27T05:54:56.306Z"}', '01a21b92-345a-73de-896f-7cc8532a316b', '2026-11-27T05:54:56.386Z', 0, NULL, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34b0-7236-ab5e-d3cf90d69ada', 2, '{"id":"01a21b92-34b0-7236-ab5e-d3cf90d69ada","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"closed","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":2,"created_at":"2026-11-27T05:54:56.306Z","updated_at":"2026-11-27T05:54:56.386Z"}', '01a21b92-345a-73de-896f-7cc8532a316b', '2026-11-27T05:54:56.388Z', 0, NULL, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34ee-7674-963e-4c2aa6f3018b', 1, '{"id":"01a21b92-34ee-7674-963e-4c2aa6f3018b","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Finn","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.366Z","updated_at":"2026-11-27T05:54:56.366Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-27T05:54:56.391Z', 0, NULL, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34da-7465-a66b-e1d97161dffe', 1, '{"id":"01a21b92-34da-7465-a66b-e1d97161dffe","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Dana","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":1000000000000,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.346Z","updated_at":"2026-11-27T05:54:56.346Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-27T05:54:56.399Z', 1, '01a21b92-3442-7e19-971e-b1a991a9a03c', NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34e6-720e-8374-a76ec93ee02e', 1, '{"id":"01a21b92-34e6-720e-8374-a76ec93ee02e","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Gus","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.358Z","updated_at":"2026-11-27T05:54:56.358Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-27T05:54:56.410Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-35a5-7c1c-a3a8-1364057d2ecc', 1, '{"id":"01a21b92-35a5-7c1c-a3a8-1364057d2ecc","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Ida","last_name":"Import","email":"ida@example.com","phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2019-05-01T10:00:00.000Z","updated_at":"2019-05-01T10:00:00.000Z"}', NULL, '2026-11-27T05:54:56.633Z', 0, NULL, '2026-11-27T05:54:56.544Z', NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a224e1-43fe-7789-96f3-29f7c62a7ca8', 1, '{"id":"01a224e1-43fe-7789-96f3-29f7c62a7ca8","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Ivy","last_name":"Søndergård","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":["new"],"version":1,"created_at":"2026-11-29T01:17:52.511Z","updated_at":"2026-11-29T01:17:52.511Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.515Z', 0, NULL, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34e6-720e-8374-a76ec93ee02e', 2, '{"id":"01a21b92-34e6-720e-8374-a76ec93ee02e","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Gus","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":2,"created_at":"2026-11-27T05:54:56.358Z","updated_at":"2026-11-27T05:54:56.692Z"}', NULL, '2026-11-29T01:17:52.515Z', 0, NULL, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34ee-7674-963e-4c2aa6f3018b', 2, '{"id":"01a21b92-34ee-7674-963e-4c2aa6f3018b","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Finn","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":"x","tags":[],"version":2,"created_at":"2026-11-27T05:54:56.366Z","updated_at":"2026-11-27T05:54:56.391Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.517Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a21b92-34d2-7af9-b827-f41617af20cf', 1, '{"id":"01a21b92-34d2-7af9-b827-f41617af20cf","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Old key","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.338Z","updated_at":"2026-11-27T05:54:56.338Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-11-29T01:17:52.518Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a23184-8a2b-7a8d-a5b4-a606b662b5e8', 1, '{"id":"01a23184-8a2b-7a8d-a5b4-a606b662b5e8","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Oskar","last_name":"Müller-Björk","email":null,"phone":"+49 (0)40 1234567","client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":"smitha0 dinner smithb1 dinner smithc2 dinner smithd3 dinner smithe4 dinner smithf5 dinner smithg6 dinner smithh7 dinner smithi8 dinner smithj9 dinner smithk10 dinner smithl11 dinner smithm12 dinner smithn13 dinner smitho14 dinner smithp15 dinner smithq16 dinner smithr17 dinner smiths18 dinner smitht19 dinner smithu20 dinner smithv21 dinner smithw22 dinner smithx23 dinner smithy24 dinner smithz25 dinner smitha26 dinner smithb27 dinner smithc28 dinner smithd29 dinner smithe30 dinner smithf31 dinner smithg32 dinner smithh33 dinner smithi34 dinner smithj35 dinner smithk36 dinner smithl37 dinner smithm38 dinner smithn39 dinner smitho40 dinner smithp41 dinner smithq42 dinner smithr43 dinner smiths44 dinner smitht45 dinner smithu46 dinner smithv47 dinner smithw48 dinner smithx49 dinner smithy50 dinner smithz51 dinner smitha52 dinner smithb53 dinner smithc54 dinner smithd55 dinner smithe56 dinner smithf57 dinner smithg58 dinner smithh59 dinner smithi60 dinner smithj61 dinner smithk62 dinner smithl63 dinner smithm64 dinner smithn65 dinner smitho66 dinner smithp67 dinner smithq68 dinner smithr69 dinner smiths70 dinner smitht71 dinner smithu72 dinner smithv73 dinner smithw74 dinner smithx75 dinner smithy76 dinner smithz77 dinner smitha78 dinner smithb79 dinner smithc80 dinner smithd81 dinner smithe82 dinner smithf83 dinner smithg84 dinner smithh85 dinner smithi86 dinner smithj87 dinner smithk88 dinner smithl89 dinner smithm90 dinner smithn91 dinner smitho92 dinner smithp93 dinner smithq94 dinner smithr95 dinner smiths96 dinner smitht97 dinner smithu98 dinner smithv99 dinner smithw100 dinner smithx101 dinner smithy102 dinner smithz103 dinner smitha104 dinner smithb105 dinner smithc106 dinner smithd107 dinner smithe108 dinner smithf109 dinner smithg110 dinner smithh111 dinner smithi112 dinner smithj113 dinner smithk114 dinner smithl115 dinner smithm116 dinner smithn117 dinner smitho118 dinner smithp119 dinner","tags":[],"version":1,"created_at":"2026-12-01T12:11:39.435Z","updated_at":"2026-12-01T12:11:39.435Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.440Z', 0, NULL, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a23184-8a2b-7a8d-a5b4-a606b662b5e8', 2, '{"id":"01a23184-8a2b-7a8d-a5b4-a606b662b5e8","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Oskar","last_name":"Müller-Björk","email":null,"phone":"+49 (0)40 1234567","client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{"lot":9007199254740993},"pre_approved":false,"pre_approval_amount":null,"notes":"smitha0 dinner smithb1 dinner smithc2 dinner smithd3 dinner smithe4 dinner smithf5 dinner smithg6 dinner smithh7 dinner smithi8 dinner smithj9 dinner smithk10 dinner smithl11 dinner smithm12 dinner smithn13 dinner smitho14 dinner smithp15 dinner smithq16 dinner smithr17 dinner smiths18 dinner smitht19 dinner smithu20 dinner smithv21 dinner smithw22 dinner smithx23 dinner smithy24 dinner smithz25 dinner smitha26 dinner smithb27 dinner smithc28 dinner smithd29 dinner smithe30 dinner smithf31 dinner smithg32 dinner smithh33 dinner smithi34 dinner smithj35 dinner smithk36 dinner smithl37 dinner smithm38 dinner smithn39 dinner smitho40 dinner smithp41 dinner smithq42 dinner smithr43 dinner smiths44 dinner smitht45 dinner smithu46 dinner smithv47 dinner smithw48 dinner smithx49 dinner smithy50 dinner smithz51 dinner smitha52 dinner smithb53 dinner smithc54 dinner smithd55 dinner smithe56 dinner smithf57 dinner smithg58 dinner smithh59 dinner smithi60 dinner smithj61 dinner smithk62 dinner smithl63 dinner smithm64 dinner smithn65 dinner smitho66 dinner smithp67 dinner smithq68 dinner smithr69 dinner smiths70 dinner smitht71 dinner smithu72 dinner smithv73 dinner smithw74 dinner smithx75 dinner smithy76 dinner smithz77 dinner smitha78 dinner smithb79 dinner smithc80 dinner smithd81 dinner smithe82 dinner smithf83 dinner smithg84 dinner smithh85 dinner smithi86 dinner smithj87 dinner smithk88 dinner smithl89 dinner smithm90 dinner smithn91 dinner smitho92 dinner smithp93 dinner smithq94 dinner smithr95 dinner smiths96 dinner smitht97 dinner smithu98 dinner smithv99 dinner smithw100 dinner smithx101 dinner smithy102 dinner smithz103 dinner smitha104 dinner smithb105 dinner smithc106 dinner smithd107 dinner smithe108 dinner smithf109 dinner smithg110 dinner smithh111 dinner smithi112 dinner smithj113 dinner smithk114 dinner smithl115 dinner smithm116 dinner smithn117 dinner smitho118 dinner smithp119 dinner","tags":["söder","vip"],"version":2,"created_at":"2026-12-01T12:11:39.435Z","updated_at":"2026-12-01T12:11:39.440Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.442Z', 0, NULL, NULL, NULL);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a23184-8a2c-7aac-be54-056c7583a54f', 1, '{"id":"01a23184-8a2c-7aac-be54-056c7583a54f","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"G","last_name":"Gone","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-12-01T12:11:39.436Z","updated_at":"2026-12-01T12:11:39.436Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.443Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, 1796127099436000000);
INSERT INTO client_history (client_id, version, json, made_by, ended_at, deleted, deleted_by, imported_at, seq) VALUES ('01a23184-8a2d-78f4-9610-435c52d714cd', 1, '{"id":"01a23184-8a2d-78f4-9610-435c52d714cd","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"B","last_name":"Gone","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-12-01T12:11:39.437Z","updated_at":"2026-12-01T12:11:39.437Z"}', '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.443Z', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL, 1796127099437000000);
CREATE INDEX client_history_by_end ON client_history (ended_at);
CREATE INDEX client_history_deleted ON client_history (ended_at) WHERE deleted;
CREATE TABLE client_changes (
    revision   INTEGER PRIMARY KEY,
    client_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    user_id    TEXT NOT NULL,
    removed_at TEXT CHECK (removed_at IS strftime('%Y-%m-%dT%H:%M:%fZ', removed_at))
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
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (16, '01a23184-8a2b-7a8d-a5b4-a606b662b5e8', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (17, '01a23184-8a2c-7aac-be54-056c7583a54f', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (18, '01a23184-8a2d-78f4-9610-435c52d714cd', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (19, '01a23184-8a2e-7f31-ae4c-19577605a26d', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (20, '01a23184-8a2f-7502-a6e0-ca8ac3d83b9e', 1, '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (21, '01a23184-8a2b-7a8d-a5b4-a606b662b5e8', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (22, '01a23184-8a2b-7a8d-a5b4-a606b662b5e8', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.442Z');
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (23, '01a23184-8a2b-7a8d-a5b4-a606b662b5e8', 3, '01a21b92-345a-73de-896f-7cc8532a316b', NULL);
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (24, '01a23184-8a2c-7aac-be54-056c7583a54f', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.443Z');
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (25, '01a23184-8a2d-78f4-9610-435c52d714cd', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.443Z');
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (26, '01a23184-8a2e-7f31-ae4c-19577605a26d', 1, '01a21b92-346b-7d7a-959a-3d89456e78ed', '2026-12-01T12:11:39.444Z');
INSERT INTO client_changes (revision, client_id, version, user_id, removed_at) VALUES (27, '01a23184-8a2d-78f4-9610-435c52d714cd', 2, '01a21b92-346b-7d7a-959a-3d89456e78ed', NULL);
CREATE INDEX client_changes_removed ON client_changes (client_id) WHERE removed_at IS NOT NULL;
CREATE TABLE change_cursors (
    epoch  TEXT NOT NULL DEFAULT (lower(hex(randomblob(8)))),
    purged INTEGER NOT NULL DEFAULT 0 -- the revision of that removal
) STRICT;
INSERT INTO change_cursors (epoch, purged) VALUES ('c69c10115b01a0b9', 0);
CREATE TABLE erasures (
    client_id TEXT PRIMARY KEY CHECK (length(client_id) = 36),
    erased_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                            CHECK (erased_at IS strftime('%Y-%m-%dT%H:%M:%fZ', erased_at))
) STRICT;
INSERT INTO erasures (client_id, erased_at) VALUES ('01a21b92-34f7-7a91-b856-380f2238071e', '2026-11-27T05:54:56.734Z');
INSERT INTO erasures (client_id, erased_at) VALUES ('01a23184-8a2e-7f31-ae4c-19577605a26d', '2026-12-01T12:11:39.446Z');
CREATE TABLE idempotency_keys (
    user_id        TEXT NOT NULL REFERENCES users (id),
    key            TEXT NOT NULL,
    request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32), -- of the client in the request body
    client_id      TEXT NOT NULL,
    json           TEXT NOT NULL,                                     -- the client in the response
    created_at     TEXT NOT NULL CHECK (created_at IS strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
    PRIMARY KEY (user_id, key)
) STRICT;
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'ana-1', X'26EC9FAE6F324101B6CA43840C405FC03636F957E4EA2147F9DCAA4C46301FD8', '01a21b92-34c3-7795-9857-7edb600b234f', '{"id":"01a21b92-34c3-7795-9857-7edb600b234f","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Zoë","last_name":"Lee","email":null,"phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-27T05:54:56.323Z","updated_at":"2026-11-27T05:54:56.323Z"}', '2026-12-01T12:11:39.402Z');
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) VALUES ('01a21b92-346b-7d7a-959a-3d89456e78ed', 'ben-3', X'A0C215CC56E3C5F66C1C5F2332E1D5C262BD06008D3FAD4B51E1958C17B9AE17', '01a224e1-43fe-7789-96f3-29f7c62a7ca8', '{"id":"01a224e1-43fe-7789-96f3-29f7c62a7ca8","user_id":"01a21b92-346b-7d7a-959a-3d89456e78ed","first_name":"Ivy","last_name":"Søndergård","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":["new"],"version":1,"created_at":"2026-11-29T01:17:52.511Z","updated_at":"2026-11-29T01:17:52.511Z"}', '2026-12-01T12:11:39.402Z');
INSERT INTO idempotency_keys (user_id, key, request_sha256, client_id, json, created_at) VALUES ('01a21b92-345a-73de-896f-7cc8532a316b', 'ana-4', X'26EC9FAE6F324101B6CA43840C405FC03636F957E4EA2147F9DCAA4C46301FD8', '01a23184-8a2f-7502-a6e0-ca8ac3d83b9e', '{"id":"01a23184-8a2f-7502-a6e0-ca8ac3d83b9e","user_id":"01a21b92-345a-73de-896f-7cc8532a316b","first_name":"Zoë","last_name":"Lee","email":null,"phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-12-01T12:11:39.439Z","updated_at":"2026-12-01T12:11:39.439Z"}', '2026-12-01T12:11:39.439Z');
CREATE INDEX idempotency_keys_by_client  ON idempotency_keys (client_id);
CREATE INDEX idempotency_keys_by_created ON idempotency_keys (created_at);
CREATE TABLE client_sources (
    client_id      TEXT PRIMARY KEY,
    source         TEXT,            -- the URL of the server; NULL: a file, or an import by acare 0.2.0
    source_version INTEGER,         -- the version there; NULL: unknown
    version        INTEGER NOT NULL -- the version here that the import wrote
) STRICT;
INSERT INTO client_sources (client_id, source, source_version, version) VALUES ('01a21b92-35a0-7e1f-b6df-a0c0e565956d', 'https://api.example.com/v1', 1, 1);
INSERT INTO client_sources (client_id, source, source_version, version) VALUES ('01a21b92-35a5-7c1c-a3a8-1364057d2ecc', NULL, NULL, 0);
INSERT INTO client_sources (client_id, source, source_version, version) VALUES ('01a21b92-35a6-705c-b40b-de7b9bb65f9e', NULL, NULL, 1);
CREATE TABLE identity (
    id      TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    backups INTEGER NOT NULL DEFAULT 0 -- that were made; in a backup, its number
) STRICT;
INSERT INTO identity (id, backups) VALUES ('01a21b92-3442-7e19-971e-b1a991a9a03c', 2);
CREATE TABLE restores (
    restored_at TEXT PRIMARY KEY CHECK (restored_at IS strftime('%Y-%m-%dT%H:%M:%fZ', restored_at))
) STRICT;
INSERT INTO restores (restored_at) VALUES ('2026-12-01T13:00:00.000Z');
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
CREATE VIEW clients_words AS
SELECT
    seq,
    search_words(first_name, last_name, email, phone, preferred_locations, tags, notes) AS words
FROM clients;
CREATE VIRTUAL TABLE clients_search USING fts5 (
    words,
    content = 'clients_words',
    content_rowid = 'seq',
    columnsize = 0,
    prefix = '1',
    tokenize = 'unicode61 remove_diacritics 2'
);
DELETE FROM clients_search_data;
INSERT INTO clients_search_data (id, block) VALUES (1, X'0B822B');
INSERT INTO clients_search_data (id, block) VALUES (10, X'000000000101010001010101');
INSERT INTO clients_search_data (id, block) VALUES (137438953473, X'00000DAC0230308CBBA481A5958DA0C0020E02033134328CBAFA939DB2A29080020801063132333435368AE6D0ECA4C0CAC000020C0701378CBBA481A5958DA0C00210010233308AE6D0ECA4C0CAC000020B010234308CBBA481A5958DA0C0020F0201398AE6D0ECA4C0CAC000020A81D4D39580D4C2E0C0020D01033535358CBAFA939DB2A2908002070101368CBAFA939DB2A29080021F020236318CBAFA939DB2A290800206010561667465728CBAFA939DB2A29080021EA3C1A9D9E2DA40020C0101628CBBA481A595CAA540020202056A6F65726B8CBBA481A5958DA0C00407060402726B8CBBA481A5958DA0C0040506010563616C6C738CBAFA939DB2A29080021DA3C1A9D9E2DA40020B02026F6DFFF3B3CB87CDDBE80002088AF39DA19CF2EED800020881D4A9A6F9ABEDF5800208010664696E6E65728CBBA481A5958DA0C0817018040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030301076573746F72696C8CBAFA939DB2A29080020E020678616D706C65FFF3B3CB87CDDBE80002078AF39DA19CF2EED800020781D4A9A6F9ABEDF5800207010466696E6E8CBAFA939DC0C9978002020104676F6E658CBBA481A595CAA5400204020275738CBAFA939DBED58580020201036964618AE6D0ECA4C0CAC00004020602056D706F7274FFF3B3CB87CDDBE80002048AF39DA19CF2EED800020481D4A9A6F9ABEDF58002040202766FFFF3B3CB87CDDBE8000402060301798CBB8BF3F29F93BDC0020201046A6F616F8CBAFA939DB2A29080020D03047264616E8CBAFA939DB2A29080020201036C65658CBAFA939DB2A290800204888DCC40020490D89D40020483E8A4000204D3DC8FAAFCA44002040204696B65738CBAFA939DB2A290800214030473626F618CBAFA939DB2A29080020A01076D75656C6C65728CBBA481A5958DA0C004080403046C6C65728CBBA481A5958DA0C004040401056E65696C6C8CBAFA939DB2A2908002160601738CBAFA939DB2A2908002190301778CBB8BF3F29F93BDC0020901016F8CBAFA939DB2A2908004150502056E65696C6C8CBAFA939DB2A29080021A0701738CBAFA939DB2A29080021C0204736B61728CBBA481A5958DA0C002020102706D8CBAFA939DB2A2908002200101738CBAFA939DB2A290800417060202616F8CBAFA939DB2A29080020C020269788CBB8BF3F29F93BDC0020D02066D69746861308CBBA481A5958DA0C00217070232368CBBA481A5958DA0C0024B070235328CBBA481A5958DA0C0027F060262318CBBA481A5958DA0C00219070232378CBBA481A5958DA0C0024D070235338CBBA481A5958DA0C0048101060263328CBBA481A5958DA0C0021B0801388CBBA481A5958DA0C0024F070235348CBBA481A5958DA0C004810306036432398CBBA481A5958DA0C002510701338CBBA481A5958DA0C0021D070235358CBBA481A5958DA0C004810506036533308CBBA481A5958DA0C002530701348CBBA481A5958DA0C0021F070235368CBBA481A5958DA0C004810706036633318CBBA481A5958DA0C002550701358CBBA481A5958DA0C002210801378CBBA481A5958DA0C004810906036733328CBBA481A5958DA0C00257070235388CBBA481A5958DA0C004810B0701368CBBA481A5958DA0C0022306036833338CBBA481A5958DA0C00259070235398CBBA481A5958DA0C004810D0701378CBBA481A5958DA0C0022506036933348CBBA481A5958DA0C0025B070236308CBBA481A5958DA0C004810F0701388CBBA481A5958DA0C0022706036A33358CBBA481A5958DA0C0025D070236318CBBA481A5958DA0C00481110701398CBBA481A5958DA0C0022906036B31308CBBA481A5958DA0C0022B070233368CBBA481A5958DA0C0025F070236328CBBA481A5958DA0C004811306036C31318CBBA481A5958DA0C0022D070233378CBBA481A5958DA0C00261070236338CBBA481A5958DA0C004811506036D31328CBBA481A5958DA0C0022F070233388CBBA481A5958DA0C0026306036E31338CBBA481A5958DA0C00231070233398CBBA481A5958DA0C0026506036F31348CBBA481A5958DA0C00233070234308CBBA481A5958DA0C0026706037031358CBBA481A5958DA0C00235070234318CBBA481A5958DA0C0026906037131368CBBA481A5958DA0C00237070234328CBBA481A5958DA0C0026B06037231378CBBA481A5958DA0C00239070234338CBBA481A5958DA0C0026D06037331388CBBA481A5958DA0C0023B070234348CBBA481A5958DA0C0026F06037431398CBBA481A5958DA0C0023D070234358CBBA481A5958DA0C0027106037532308CBBA481A5958DA0C0023F070234368CBBA481A5958DA0C0027306037632318CBBA481A5958DA0C00241070234378CBBA481A5958DA0C0027506037732328CBBA481A5958DA0C00243070234388CBBA481A5958DA0C0027706037832338CBBA481A5958DA0C00245070234398CBBA481A5958DA0C0027906037932348CBBA481A5958DA0C00247070235308CBBA481A5958DA0C0027B06037A32358CBBA481A5958DA0C00249070235318CBBA481A5958DA0C0027D02046F6465728CBBA481A5958DA0C002120304656465728CBBA481A5958DA0C0021304096E64657267616172648CBB8BF3F29F93BDC002070A0272648CBB8BF3F29F93BDC0020603096E64657267616172648CBB8BF3F29F93BDC00205090272648CBB8BF3F29F93BDC002040104756C6C618CBAFA939DECB8B58004020601037669708CBAFA939DB2A290800210D3DC8FC5D6A04002150101788CBAFA939DC0C99780020601037A6F658CBAFA939DB6A8F6C00202D3DC8FBFBCE60002020106E5AEA2E688B78CBAFA939DB2A2908002120103EE8080FFF3B3CB87CDDBE8000403048AF39DA19CF2EED8000603040681D4A9A6F8F1D7D0800E03040604060404888DCC40020390D89D40020383E8A400040304D7DEBC00040304A3C1A8E5B6904006030704B09AE5EBF3C6000A030B070504FA89000203FA89000203030B81343933303132333435368AE6D0ECA4C0CAC000020D06093430313233343536378CBBA481A5958DA0C004814F040A363631353535303134328CBAFA939DB2A29080022103098233303132333435368AE6D0ECA4C0CAC000020E04093430313233343536378CBBA481A5958DA0C0048150040A363631353535303134328CBAFA939DB2A290800222030B83323431303535353136368CBAFA939DB2A290800223040A363534333231303339348AE6D0ECA4C0CAC000020F040B37363534333231303439348CBBA481A5958DA0C0048151000231308CBAFA939DB2A290800208D3DC8FC5D6A040020E0101318AE6D0ECA4C0CAC000020C81D4D39580D4C2E0C002100101338AE6D0ECA4C0CAC000020B0101348AE6D0ECA4C0CAC000020A81D4D39580D4C2E0C0040D040101358CBAFA939DB2A2908002070101368CBAFA939DB2A2908004061B0101618CBAFA939DB2A29080021EA3C1A9D9E2DA40020C0101628CBBA481A5958DA0C00805040404FA89000202010163FFF3B3CB87CDDBE80002088AF39DA19CF2EED800020881D4A9A6F8F1D7D080021DF4ACCA000208A3C1A8E5B69040020B0101648CBBA481A5958DA0C08170180404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303010165FFF3B3CB87CDDBE80002078AF39DA19CF2EED800020781D4A9A6F8F1D7D080020EF4ACCA0002070101668CBAFA939DC0C9978002020101678CBAFA939DBED585800202D3DC8FADEABF400204010169FFF3B3CB87CDDBE800060204048AF39DA19CF2EED8000602040481D4A9A6F9ABEDF5800204A3C1A8E5B69040020201016A8CBAFA939DB2A2908004020D01016C8CBAFA939DB2A290800604080C888DCC40020490D89D40020483E8A4000204D3DC8FAAFCA440020401016D8CBBA481A5958DA0C0080404040401016E8CBAFA939DB2A29080041605A3C1A9D9E2DA40020901016F8CBAFA939DB2A290800815050404D3DC8FC5D6A04002020101708CBAFA939DB2A2908002200101738CBAFA939DB2A29080060C0D06A3C1A9D9E2DA400A0403030308B09AE5EBF3C60081041203060404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040404040101758CBAFA939DECB8B5800402060101768CBAFA939DB2A290800210D3DC8FC5D6A04002150101788CBAFA939DC0C99780020601017A8CBAFA939DB6A8F6C00202D3DC8FBFBCE60002020103E5AEA28CBAFA939DB2A2908002120103EE8080FFF3B3CB87CDDBE8000403048AF39DA19CF2EED8000603040681D4A9A6F8F1D7D0800E03040604060404888DCC40020390D89D40020383E8A400040304D7DEBC00040304A3C1A8E5B6904006030704B09AE5EBF3C6000A030B070504FA89000203FA890002030301818AE6D0ECA4C0CAC000020D81D4A9A6F8F1D7D0800221D3DC8FC5D6A04004814F0301828AE6D0ECA4C0CAC000020E81D4A9A6F8F1D7D0800222D3DC8FC5D6A0400481500301838AE6D0ECA4C0CAC000020F81D4A9A6F8F1D7D0800223D3DC8FC5D6A040048151040E10130E0F0F19100E0F1B0E13101B25810B142911110F1128100E11112B11111512120E0E0F120E110F0F0F0F130F0F0F0F100F0E10100E10100E10100E0F10100E10100E10100E10100E100F10100F10100F100F100F100F100F100F100F100F100F100F100F100F100F100F1111160F160F12190E19136B18171716171718171918190E1A0E0F17163381062A0E17310F2B11181A0E680F170E17106B2323');
DELETE FROM clients_search_idx;
INSERT INTO clients_search_idx (segid, term, pgno) VALUES (1, X'', 2);
DELETE FROM clients_search_config;
INSERT INTO clients_search_config (k, v) VALUES ('version', 4);
CREATE VIEW deleted_clients AS
SELECT rowid AS position, *
FROM client_history AS last
WHERE deleted
    AND NOT EXISTS (SELECT 1 FROM clients WHERE id = client_id)
    AND version = (SELECT max(version) FROM client_history WHERE client_id = last.client_id);
CREATE TRIGGER api_keys_delete BEFORE DELETE ON api_keys
BEGIN
    UPDATE api_keys SET made_with = OLD.made_with WHERE made_with = OLD.id;
END;
CREATE TRIGGER clients_new_version AFTER UPDATE ON clients
WHEN NEW.version <= OLD.version
BEGIN
    SELECT RAISE(ABORT, 'an UPDATE of a client needs a greater version');
END;
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
WHEN NEW.version = OLD.version + 1 OR NEW.imported_at IS NOT NULL -- an import takes the version of its source
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
