-- From schema 3 to schema 4: who made a key, and with which one; a full-text index that each transaction keeps
-- complete; the positions of deleted clients.
-- New tables need no statement: they are created from schema.sql.

ALTER TABLE api_keys ADD COLUMN made_by TEXT REFERENCES users (id);

ALTER TABLE api_keys ADD COLUMN made_with TEXT REFERENCES api_keys (id);

ALTER TABLE client_history ADD COLUMN seq INTEGER;

-- Both are created again, and the index is filled.
DROP TABLE IF EXISTS clients_search;

DROP TABLE IF EXISTS clients_to_index;
