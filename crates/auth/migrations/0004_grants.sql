-- What a registration says besides: see client/metadata.rs.
ALTER TABLE client ADD COLUMN profile TEXT NOT NULL DEFAULT 'oauth21';
ALTER TABLE client ADD COLUMN auth_method TEXT NOT NULL DEFAULT 'client_secret_basic';
ALTER TABLE client ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
UPDATE client SET auth_method = 'none' WHERE confidentiality = 'public';
CREATE INDEX client_by_change ON client (updated_at);

-- Sealed only where the client proves itself with an HMAC of its secret (client_secret_jwt).
ALTER TABLE client_secret ADD COLUMN sealed BLOB;

-- APIs that tokens can be made for (RFC 8707), and the client that asks about such tokens (RFC 7662).
CREATE TABLE resource_server (
    uri TEXT NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL REFERENCES client (id)
) STRICT;

CREATE INDEX resource_server_by_client ON resource_server (client_id);

-- What a person, or nobody (on the client's own behalf), has given a client: one row for each time it was given. Its refresh token
-- is of `generation`; the one before is good for a retry shortly after rotated_at. details: token/details.rs.
CREATE TABLE authorization_grant (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    client_id BLOB NOT NULL REFERENCES client (id),
    person_id BLOB REFERENCES person (id),
    session_id BLOB,
    scopes TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    rotated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;

CREATE INDEX authorization_grant_by_person ON authorization_grant (person_id, client_id, id) WHERE revoked_at IS NULL;
CREATE INDEX authorization_grant_by_session ON authorization_grant (session_id) WHERE revoked_at IS NULL;
CREATE INDEX authorization_grant_by_expiry ON authorization_grant (expires_at);

-- What travels from the request through the code into the grant.
ALTER TABLE authorization_request ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE authorization_code ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
ALTER TABLE authorization_code ADD COLUMN grant_id BLOB;
ALTER TABLE authorization_code DROP COLUMN token_id;
ALTER TABLE authorization_code DROP COLUMN token_expires_at;
