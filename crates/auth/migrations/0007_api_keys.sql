-- What the ids of an organisation's API keys begin with: drawn once, so that no organisation learns of another's names.
CREATE TABLE api_account (
    organisation_id BLOB NOT NULL PRIMARY KEY REFERENCES organisation (id),
    prefix TEXT NOT NULL UNIQUE
) STRICT;

-- A key is a client of its own that can get tokens for itself and nothing else: id is the client's, the key its one secret.
CREATE TABLE api_key (
    id BLOB NOT NULL PRIMARY KEY REFERENCES client (id) ON DELETE CASCADE,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    name TEXT NOT NULL,
    made_by BLOB REFERENCES person (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    deleted_at INTEGER
) STRICT;

CREATE INDEX api_key_by_organisation ON api_key (organisation_id, id);
