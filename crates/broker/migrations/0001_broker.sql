-- Third-party services as this deployment has set them up.
CREATE TABLE integration (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    slug TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- our name at the third party: its client_id
    client_id TEXT NOT NULL,
    -- JSON object: the settings that are not secret
    settings TEXT NOT NULL,
    -- the scopes asked for, separated by spaces
    scopes TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX integration_slug_key ON integration (slug);

-- What proves us at the third party, sealed: client_secret, private_key, settings.
CREATE TABLE integration_secret (
    integration_id BLOB NOT NULL REFERENCES integration (id),
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (integration_id, name)
) STRICT;

-- What a client application may do with an integration.
CREATE TABLE client_trust (
    id BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL,
    integration_id BLOB NOT NULL REFERENCES integration (id),
    organisation_id BLOB NOT NULL,
    -- requested, granted, withdrawn
    state TEXT NOT NULL,
    -- JSON arrays of texts
    actions TEXT NOT NULL,
    proxy_rules TEXT NOT NULL,
    -- the third party's scopes that the client may make use of, separated by spaces
    scopes TEXT NOT NULL,
    rate_per_minute INTEGER NOT NULL,
    requested_by BLOB,
    requested_at INTEGER NOT NULL,
    decided_by BLOB,
    decided_at INTEGER
) STRICT;
CREATE UNIQUE INDEX client_trust_client_key ON client_trust (client_id, integration_id);
CREATE INDEX client_trust_integration ON client_trust (integration_id);

-- A browser on its way to the third party and back.
CREATE TABLE connect_session (
    state_digest BLOB NOT NULL PRIMARY KEY,
    -- digest of what binds it to the browser's signed-in session
    browser BLOB NOT NULL,
    person_id BLOB NOT NULL,
    integration_id BLOB NOT NULL REFERENCES integration (id),
    -- PKCE verifier and OpenID nonce
    verifier_sealed BLOB NOT NULL,
    nonce_sealed BLOB,
    scopes TEXT NOT NULL,
    -- the client that sent the browser; none for the summary page
    client_id BLOB,
    return_uri TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX connect_session_expires ON connect_session (expires_at);

-- A person's linked account.
CREATE TABLE connection (
    id BLOB NOT NULL PRIMARY KEY,
    person_id BLOB NOT NULL,
    integration_id BLOB NOT NULL REFERENCES integration (id),
    organisation_id BLOB NOT NULL,
    -- active, degraded, needs_reconnect, revoking, revoked
    status TEXT NOT NULL,
    -- of needs_reconnect: invalid_grant, scope_missing, rotation_lost, provider_closed, consent_ended;
    -- of revoked: what is known about the end over there
    reason TEXT,
    scopes_asked TEXT NOT NULL,
    scopes_granted TEXT NOT NULL,
    -- the third party's id of the account, and other facts of the token answer that calls need (JSON), sealed
    account_sealed BLOB,
    facts_sealed BLOB,
    linked_at INTEGER NOT NULL,
    consent_expires_at INTEGER,
    credential_version INTEGER NOT NULL,
    -- the refresh lease: who holds it, until when, and how many there have been
    lease_owner BLOB,
    lease_until INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    -- refreshes that failed for the moment, in a row, and when the next may be tried
    failures INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX connection_live_key ON connection (person_id, integration_id)
    WHERE status IN ('active', 'degraded', 'needs_reconnect');
CREATE INDEX connection_integration ON connection (integration_id, status);

-- The tokens of a connection. One row, but for the moment in which the next one takes its place.
CREATE TABLE credential (
    connection_id BLOB NOT NULL REFERENCES connection (id),
    version INTEGER NOT NULL,
    access_sealed BLOB NOT NULL,
    refresh_sealed BLOB,
    expires_at INTEGER,
    obtained_at INTEGER NOT NULL,
    PRIMARY KEY (connection_id, version)
) STRICT;

-- Every refresh: noted before it is sent, and again, with the answer as it came, before the answer is used.
CREATE TABLE token_journal (
    id BLOB NOT NULL PRIMARY KEY,
    connection_id BLOB NOT NULL REFERENCES connection (id),
    from_version INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    -- sent, received (these are open); then
    -- applied; unused: others were quicker, or it was unlinked; failed: for the moment; refused: for good;
    -- unreadable: a success that could not be read; unsent: no connection was made; lost: nobody waits for it any more
    state TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    received_at INTEGER,
    answer_sealed BLOB
) STRICT;
CREATE INDEX token_journal_connection ON token_journal (connection_id, from_version);
CREATE INDEX token_journal_open ON token_journal (sent_at) WHERE state IN ('sent', 'received');

-- When a client last made use of a connection.
CREATE TABLE connection_use (
    connection_id BLOB NOT NULL,
    client_id BLOB NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (connection_id, client_id)
) STRICT;

-- Tokens on their way to be revoked at the third party: the only copy that is left of them.
CREATE TABLE revocation (
    id BLOB NOT NULL PRIMARY KEY,
    connection_id BLOB NOT NULL REFERENCES connection (id),
    integration_id BLOB NOT NULL REFERENCES integration (id),
    organisation_id BLOB NOT NULL,
    tokens_sealed BLOB,
    -- waiting, done, given_up
    state TEXT NOT NULL,
    evidence TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX revocation_connection ON revocation (connection_id);
