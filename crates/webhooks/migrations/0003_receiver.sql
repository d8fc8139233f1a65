-- What opens the page of an endpoint to whoever receives its calls.
CREATE TABLE webhook_receiver_link (
    id BLOB NOT NULL PRIMARY KEY,
    endpoint_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL,
    -- for whom it is
    name TEXT NOT NULL,
    -- digest of what opens it
    token BLOB NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- when it was last opened
    opened_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX webhook_receiver_link_token ON webhook_receiver_link (token);
CREATE INDEX webhook_receiver_link_endpoint ON webhook_receiver_link (endpoint_id, created_at);
CREATE INDEX webhook_receiver_link_expires ON webhook_receiver_link (expires_at);

-- A browser in which a link was opened.
CREATE TABLE webhook_receiver_session (
    -- digest of what its cookie holds
    value BLOB NOT NULL PRIMARY KEY,
    link_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_receiver_session_link ON webhook_receiver_session (link_id, created_at);
CREATE INDEX webhook_receiver_session_expires ON webhook_receiver_session (expires_at);
