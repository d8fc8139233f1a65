-- A request that waits on the consent page.
CREATE TABLE authorization_request (
    id BLOB NOT NULL PRIMARY KEY,
    person_id BLOB NOT NULL REFERENCES person (id),
    client_id BLOB NOT NULL REFERENCES client (id),
    redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL,
    state TEXT,
    nonce TEXT,
    code_challenge TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX authorization_request_by_expiry ON authorization_request (expires_at);

-- token_id is the access token that the code was exchanged for; a second use of the code revokes it.
CREATE TABLE authorization_code (
    digest BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL REFERENCES client (id),
    person_id BLOB NOT NULL REFERENCES person (id),
    session_id BLOB NOT NULL REFERENCES session (id),
    redirect_uri TEXT NOT NULL,
    scopes TEXT NOT NULL,
    nonce TEXT,
    code_challenge TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    redeemed_at INTEGER,
    token_id BLOB,
    token_expires_at INTEGER
) STRICT;

CREATE INDEX authorization_code_by_expiry ON authorization_code (expires_at);

-- What is dead before its time. kind 'token': the token with that id; 'client' and 'person': every token
-- of theirs that was issued at not_after or before. Read at start and kept in memory by every node.
CREATE TABLE token_revocation (
    kind TEXT NOT NULL,
    subject BLOB NOT NULL,
    not_after INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT;

CREATE INDEX token_revocation_by_record ON token_revocation (recorded_at);
CREATE INDEX token_revocation_by_expiry ON token_revocation (expires_at);

-- private_key is PKCS #8, sealed with the key of the deployment. 'active' signs, 'retiring' only verifies.
CREATE TABLE signing_key (
    id BLOB NOT NULL PRIMARY KEY,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL,
    private_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;

-- However many nodes start at once on an empty database, one key of each algorithm signs.
CREATE UNIQUE INDEX signing_key_active ON signing_key (algorithm) WHERE state = 'active';
