-- A database of schema 1, made over the API by acare 0.1.0 and dumped.
PRAGMA application_id = 1633902962;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY CHECK (length(id) = 36),
    user_id      TEXT NOT NULL REFERENCES users (id),
    name         TEXT,
    sha256       BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32), -- the key itself is nowhere
    preview      TEXT NOT NULL,                                    -- its first 8 and last 4 characters
    scopes       TEXT NOT NULL CHECK (json_type(scopes) = 'object'),
    created_at   TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    expires_at   TEXT,
    revoked_at   TEXT,
    last_used_at TEXT                                              -- to the minute
) STRICT;
INSERT INTO "api_keys" VALUES('01a21341-b575-7237-aeab-ca3d9ca49985','01a21341-b575-72bb-ae4f-eeb1a48a11f9','office',X'3138BB9BC78DF27C473ECFD1410F7BD45EBAC1F59CF3FF9CFE4DB77AAB7AEDD3','11111111…1111','{"all": ["read", "write"]}','2026-11-25T15:10:03.125Z',NULL,NULL,'2026-11-25T15:10:00.000Z');
INSERT INTO "api_keys" VALUES('01a21341-b576-7999-b5ff-dd18c3f4f484','01a21341-b576-7556-a0f5-e055b829e5d1','laptop',X'4F2E8D65483C641648CDB374AE9D8ABD368D269E4DDFFE092A8237B8162CDDD6','22222222…2222','{"all": ["read", "write"]}','2026-11-25T15:10:03.126Z',NULL,NULL,'2026-11-25T15:10:00.000Z');
INSERT INTO "api_keys" VALUES('01a21341-b576-774c-acc0-486143291cc0','01a21341-b576-7556-a0f5-e055b829e5d1','reports',X'79BD7D7FD684B399857C582B1B7172DDF277D4FE1B027EC52B28DA3AE381E675','33333333…3333','{"clients": ["read"]}','2026-11-25T15:10:03.126Z','2126-11-01T15:10:03.126Z',NULL,'2026-11-25T15:10:00.000Z');
INSERT INTO "api_keys" VALUES('01a21341-b576-7e01-b367-98cb5bff9189','01a21341-b576-7a0a-8d90-deaf84fd3a41','lost phone',X'F435F2420B50C70EC80865CF8E20B169874165FB8576B48633CAF2A8176D2E4A','44444444…4444','{"all": ["read", "write"]}','2026-11-25T15:10:03.126Z',NULL,'2026-11-25T15:10:03.191Z','2026-11-25T15:10:00.000Z');
INSERT INTO "api_keys" VALUES('01a21341-b577-7473-9a95-8084e473c328','01a21341-b576-7a0a-8d90-deaf84fd3a41',NULL,X'911878B1FF94A6DAECABA1D7EF6FDA0B97116A16291389427B402A013A2AE79F','55555555…5555','{"all": ["read", "write"]}','2026-11-25T15:10:03.127Z','2020-01-01T00:00:00.000Z',NULL,'2026-11-25T15:10:00.000Z');
INSERT INTO "api_keys" VALUES('01a21341-b577-71e6-875f-d0bdb04c18f0','01a21341-b576-7a0a-8d90-deaf84fd3a41',NULL,X'E72BBD4D429AC914A8A6C5BD49632FF6B00D4FEF42AFB443F0B8047DF06C85D2','66666666…6666','{"clients": ["read", "write", "delete"]}','2026-11-25T15:10:03.127Z',NULL,NULL,'2026-11-25T15:10:00.000Z');
INSERT INTO "api_keys" VALUES('01a21341-b577-71cc-ad39-73c4ceb6b72c','01a21341-b577-7e7d-8f30-bcc380e9f5b9','never used',X'C0B6304BD6CE9B3E65150392C91A3AA76803A59C29E46F9FB2B9AAC235E58386','77777777…7777','{}','2026-11-25T15:10:03.127Z',NULL,NULL,NULL);
CREATE TABLE client_history (
    client_id  TEXT NOT NULL,
    version    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    json       TEXT NOT NULL,
    made_by    TEXT REFERENCES api_keys (id),
    ended_at   TEXT NOT NULL,
    deleted    INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    deleted_by TEXT REFERENCES api_keys (id),
    PRIMARY KEY (client_id, version)
) STRICT;
INSERT INTO "client_history" VALUES('01a21341-b592-7bab-b53f-6271ff4e4b3f',1,6,'{"id":"01a21341-b592-7bab-b53f-6271ff4e4b3f","user_id":"01a21341-b576-7a0a-8d90-deaf84fd3a41","first_name":"Finn","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-25T15:10:03.154Z","updated_at":"2026-11-25T15:10:03.154Z"}','01a21341-b576-7e01-b367-98cb5bff9189','2026-11-25T15:10:03.158Z',0,NULL);
INSERT INTO "client_history" VALUES('01a21341-b57c-7c12-a419-f8876b61bb70',1,1,'{"id":"01a21341-b57c-7c12-a419-f8876b61bb70","user_id":"01a21341-b576-7556-a0f5-e055b829e5d1","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"active","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":1,"created_at":"2026-11-25T15:10:03.132Z","updated_at":"2026-11-25T15:10:03.132Z"}','01a21341-b576-7999-b5ff-dd18c3f4f484','2026-11-25T15:10:03.166Z',0,NULL);
INSERT INTO "client_history" VALUES('01a21341-b57c-7c12-a419-f8876b61bb70',2,1,'{"id":"01a21341-b57c-7c12-a419-f8876b61bb70","user_id":"01a21341-b576-7556-a0f5-e055b829e5d1","first_name":"Jordan","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"closed","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":"Likes \"O''Neill''s\";\n-- calls\tafter 6 /* pm */ 🏠","tags":["vip","客户"],"version":2,"created_at":"2026-11-25T15:10:03.132Z","updated_at":"2026-11-25T15:10:03.166Z"}','01a21341-b576-7999-b5ff-dd18c3f4f484','2026-11-25T15:10:03.170Z',0,NULL);
INSERT INTO "client_history" VALUES('01a21341-b580-717e-8289-25924241f9b1',1,2,'{"id":"01a21341-b580-717e-8289-25924241f9b1","user_id":"01a21341-b576-7556-a0f5-e055b829e5d1","first_name":"Zoë","last_name":"Lee","email":null,"phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-25T15:10:03.136Z","updated_at":"2026-11-25T15:10:03.136Z"}','01a21341-b576-7999-b5ff-dd18c3f4f484','2026-11-25T15:10:03.174Z',0,NULL);
INSERT INTO "client_history" VALUES('01a21341-b589-7e82-8b79-0083d18d7a3e',1,4,'{"id":"01a21341-b589-7e82-8b79-0083d18d7a3e","user_id":"01a21341-b576-7a0a-8d90-deaf84fd3a41","first_name":"Dana","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":1000000000000,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-25T15:10:03.145Z","updated_at":"2026-11-25T15:10:03.145Z"}','01a21341-b577-71e6-875f-d0bdb04c18f0','2026-11-25T15:10:03.178Z',1,'01a21341-b575-7237-aeab-ca3d9ca49985');
INSERT INTO "client_history" VALUES('01a21341-b59a-75d9-b4d1-38ed83958924',1,7,'{"id":"01a21341-b59a-75d9-b4d1-38ed83958924","user_id":"01a21341-b576-7a0a-8d90-deaf84fd3a41","first_name":"Gus","last_name":"Lee","email":null,"phone":null,"client_type":"buyer","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-25T15:10:03.162Z","updated_at":"2026-11-25T15:10:03.162Z"}','01a21341-b577-71e6-875f-d0bdb04c18f0','2026-11-25T15:10:03.182Z',1,'01a21341-b577-71e6-875f-d0bdb04c18f0');
CREATE TABLE client_totals (
    user_id     TEXT NOT NULL,
    client_type TEXT NOT NULL,
    status      TEXT NOT NULL,
    total       INTEGER NOT NULL CHECK (total >= 0),
    PRIMARY KEY (user_id, client_type, status)
) STRICT, WITHOUT ROWID;
INSERT INTO "client_totals" VALUES('01a21341-b575-72bb-ae4f-eeb1a48a11f9','buyer','active',1);
INSERT INTO "client_totals" VALUES('01a21341-b576-7556-a0f5-e055b829e5d1','buyer','active',0);
INSERT INTO "client_totals" VALUES('01a21341-b576-7556-a0f5-e055b829e5d1','buyer','closed',1);
INSERT INTO "client_totals" VALUES('01a21341-b576-7556-a0f5-e055b829e5d1','seller','active',1);
INSERT INTO "client_totals" VALUES('01a21341-b576-7a0a-8d90-deaf84fd3a41','both','active',1);
INSERT INTO "client_totals" VALUES('01a21341-b576-7a0a-8d90-deaf84fd3a41','buyer','active',1);
INSERT INTO "client_totals" VALUES('01a21341-b576-7a0a-8d90-deaf84fd3a41','buyer','inactive',1);
INSERT INTO "client_totals" VALUES('01a21341-b576-7a0a-8d90-deaf84fd3a41','seller','inactive',1);
CREATE TABLE clients (
    seq                  INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of insertion, and of every list
    id                   TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    user_id              TEXT NOT NULL REFERENCES users (id),
    first_name           TEXT NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    last_name            TEXT NOT NULL CHECK (length(last_name) BETWEEN 1 AND 100),
    email                TEXT CHECK (length(email) <= 254),
    phone                TEXT CHECK (length(phone) <= 40),
    client_type          TEXT NOT NULL CHECK (client_type IN ('buyer', 'seller', 'both')),
    status               TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'closed')),
    source               TEXT CHECK (length(source) <= 100),
    -- ANY keeps an integer an integer and a fraction a fraction.
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
    made_by              TEXT REFERENCES api_keys (id), -- the key that made this version; NULL: the operator
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
INSERT INTO "clients" VALUES(1,'01a21341-b57c-7c12-a419-f8876b61bb70','01a21341-b576-7556-a0f5-e055b829e5d1','Jordan','Lee','jordan@example.com','(661) 555-0142','buyer','closed','web',0.1,400000.5,'["Lisboa","São João; -- Estoril"]','{"bedrooms_min":2,"pool":true,"property_types":["house"]}',1,300000,NULL,'[]',3,'2026-11-25T15:10:03.132Z','2026-11-25T15:10:03.170Z','01a21341-b575-7237-aeab-ca3d9ca49985');
INSERT INTO "clients" VALUES(2,'01a21341-b580-717e-8289-25924241f9b1','01a21341-b576-7556-a0f5-e055b829e5d1','Zoë Anne','Lee',NULL,NULL,'seller','active',NULL,NULL,NULL,'[]','{}',0,NULL,NULL,'[]',2,'2026-11-25T15:10:03.136Z','2026-11-25T15:10:03.174Z','01a21341-b576-7999-b5ff-dd18c3f4f484');
INSERT INTO "clients" VALUES(3,'01a21341-b585-7240-b33a-044623255332','01a21341-b576-7a0a-8d90-deaf84fd3a41','Chris','Lee',NULL,NULL,'both','active',NULL,0,NULL,'[]','{}',0,NULL,NULL,'[]',1,'2026-11-25T15:10:03.141Z','2026-11-25T15:10:03.141Z','01a21341-b577-7473-9a95-8084e473c328');
INSERT INTO "clients" VALUES(5,'01a21341-b58d-7d55-868f-3b97f5804d48','01a21341-b575-72bb-ae4f-eeb1a48a11f9','Eve','Lee','jordan@example.com','(661) 555-0142','buyer','active','web',250000,400000.5,'["Lisboa","São João; -- Estoril"]','{"bedrooms_min":2,"pool":true,"property_types":["house"]}',1,300000,NULL,'["vip","客户"]',1,'2026-11-25T15:10:03.149Z','2026-11-25T15:10:03.149Z','01a21341-b575-7237-aeab-ca3d9ca49985');
INSERT INTO "clients" VALUES(6,'01a21341-b592-7bab-b53f-6271ff4e4b3f','01a21341-b576-7a0a-8d90-deaf84fd3a41','Finn','Lee',NULL,NULL,'buyer','inactive',NULL,NULL,NULL,'[]','{}',0,NULL,NULL,'[]',2,'2026-11-25T15:10:03.154Z','2026-11-25T15:10:03.158Z','01a21341-b576-7e01-b367-98cb5bff9189');
INSERT INTO "clients" VALUES(7,'01a21341-b59a-75d9-b4d1-38ed83958924','01a21341-b576-7a0a-8d90-deaf84fd3a41','Gus','Lee',NULL,NULL,'buyer','active',NULL,NULL,NULL,'[]','{}',0,NULL,NULL,'[]',2,'2026-11-25T15:10:03.162Z','2026-11-25T15:10:03.183Z',NULL);
INSERT INTO "clients" VALUES(8,'01a21341-b5b2-7a3e-8714-24272e421987','01a21341-b576-7a0a-8d90-deaf84fd3a41','Hal','Lee',NULL,NULL,'seller','inactive',NULL,NULL,NULL,'[]','{}',0,NULL,NULL,'[]',1,'2026-11-25T15:10:03.187Z','2026-11-25T15:10:03.187Z','01a21341-b577-71e6-875f-d0bdb04c18f0');
CREATE TABLE retries (
    user_id    TEXT NOT NULL REFERENCES users (id),
    retry_key  TEXT NOT NULL,
    asked_for  BLOB NOT NULL CHECK (length(asked_for) = 32), -- SHA-256 of the client that was to be made
    client_id  TEXT NOT NULL,
    json       TEXT NOT NULL,                                -- the client as it was answered
    created_at TEXT NOT NULL,
    PRIMARY KEY (user_id, retry_key)
) STRICT;
INSERT INTO "retries" VALUES('01a21341-b576-7556-a0f5-e055b829e5d1','ana-1',X'26EC9FAE6F324101B6CA43840C405FC03636F957E4EA2147F9DCAA4C46301FD8','01a21341-b580-717e-8289-25924241f9b1','{"id":"01a21341-b580-717e-8289-25924241f9b1","user_id":"01a21341-b576-7556-a0f5-e055b829e5d1","first_name":"Zoë","last_name":"Lee","email":null,"phone":null,"client_type":"seller","status":"active","source":null,"budget_min":null,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-25T15:10:03.136Z","updated_at":"2026-11-25T15:10:03.136Z"}','2026-11-25T15:10:03.136Z');
INSERT INTO "retries" VALUES('01a21341-b576-7a0a-8d90-deaf84fd3a41','ben-1',X'60F78C802A7032A4CE314E5E769385E71C368CDE54C089B48064BD43B65C562E','01a21341-b585-7240-b33a-044623255332','{"id":"01a21341-b585-7240-b33a-044623255332","user_id":"01a21341-b576-7a0a-8d90-deaf84fd3a41","first_name":"Chris","last_name":"Lee","email":null,"phone":null,"client_type":"both","status":"active","source":null,"budget_min":0,"budget_max":null,"preferred_locations":[],"property_preferences":{},"pre_approved":false,"pre_approval_amount":null,"notes":null,"tags":[],"version":1,"created_at":"2026-11-25T15:10:03.141Z","updated_at":"2026-11-25T15:10:03.141Z"}','2020-01-01T00:00:00.000Z');
INSERT INTO "retries" VALUES('01a21341-b575-72bb-ae4f-eeb1a48a11f9','broker-1',X'591720809A760096FAD90CA103AA9518E1D671B27702F76FCF1B019F84200F15','01a21341-b58d-7d55-868f-3b97f5804d48','{"id":"01a21341-b58d-7d55-868f-3b97f5804d48","user_id":"01a21341-b575-72bb-ae4f-eeb1a48a11f9","first_name":"Eve","last_name":"Lee","email":"jordan@example.com","phone":"(661) 555-0142","client_type":"buyer","status":"active","source":"web","budget_min":250000,"budget_max":400000.5,"preferred_locations":["Lisboa","São João; -- Estoril"],"property_preferences":{"bedrooms_min":2,"pool":true,"property_types":["house"]},"pre_approved":true,"pre_approval_amount":300000,"notes":null,"tags":["vip","客户"],"version":1,"created_at":"2026-11-25T15:10:03.149Z","updated_at":"2026-11-25T15:10:03.149Z"}','2026-11-25T15:10:03.149Z');
CREATE TABLE users (
    id         TEXT PRIMARY KEY CHECK (length(id) = 36),
    email      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL CHECK (role IN ('agent', 'broker')),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
INSERT INTO "users" VALUES('01a21341-b575-72bb-ae4f-eeb1a48a11f9','broker@example.com','broker','2026-11-25T15:10:03.125Z');
INSERT INTO "users" VALUES('01a21341-b576-7556-a0f5-e055b829e5d1','ana@example.com','agent','2026-11-25T15:10:03.126Z');
INSERT INTO "users" VALUES('01a21341-b576-7a0a-8d90-deaf84fd3a41','ben@example.com','agent','2026-11-25T15:10:03.126Z');
INSERT INTO "users" VALUES('01a21341-b577-7e7d-8f30-bcc380e9f5b9','zoë@example.com','agent','2026-11-25T15:10:03.127Z');
CREATE INDEX clients_by_seq              ON clients (seq);
CREATE INDEX clients_by_type             ON clients (client_type);
CREATE INDEX clients_by_status           ON clients (status);
CREATE INDEX clients_by_type_status      ON clients (client_type, status);
CREATE INDEX clients_by_user             ON clients (user_id);
CREATE INDEX clients_by_user_type        ON clients (user_id, client_type);
CREATE INDEX clients_by_user_status      ON clients (user_id, status);
CREATE INDEX clients_by_user_type_status ON clients (user_id, client_type, status);
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
CREATE INDEX client_history_by_end ON client_history (ended_at);
CREATE TRIGGER clients_keep_updated AFTER UPDATE OF version ON clients
BEGIN
    INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted)
    VALUES (OLD.id, OLD.version, OLD.seq, OLD.json, OLD.made_by, NEW.updated_at, 0);
END;
CREATE TRIGGER clients_keep_deleted AFTER DELETE ON clients
BEGIN
    INSERT INTO client_history (client_id, version, seq, json, made_by, ended_at, deleted)
    VALUES (OLD.id, OLD.version, OLD.seq, OLD.json, OLD.made_by,
            max(OLD.updated_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), 1);
END;
CREATE INDEX retries_by_client  ON retries (client_id);
CREATE INDEX retries_by_created ON retries (created_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('clients',8);
COMMIT;
