CREATE TABLE client (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    client_id TEXT NOT NULL UNIQUE,
    suffix TEXT NOT NULL,
    name TEXT NOT NULL,
    confidentiality TEXT NOT NULL,
    uri TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    post_logout_redirect_uris TEXT NOT NULL,
    grant_types TEXT NOT NULL,
    scopes TEXT NOT NULL,
    logo_uri TEXT,
    token_lifetime_s INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    verified_at INTEGER,
    verified_by BLOB REFERENCES person (id),
    disabled_at INTEGER,
    UNIQUE (organisation_id, suffix)
) STRICT;

CREATE TABLE client_secret (
    id BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL REFERENCES client (id),
    digest BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    retired_at INTEGER
) STRICT;

CREATE INDEX client_secret_by_client ON client_secret (client_id, id);

-- What a person has allowed a client, so that they are not asked again for the same.
CREATE TABLE consent (
    person_id BLOB NOT NULL REFERENCES person (id),
    client_id BLOB NOT NULL REFERENCES client (id),
    scopes TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, client_id)
) STRICT;
