-- From schema 3 to schema 4: who made a key, and with which one.

ALTER TABLE api_keys ADD COLUMN made_by TEXT REFERENCES users (id);

ALTER TABLE api_keys ADD COLUMN made_with TEXT REFERENCES api_keys (id);
