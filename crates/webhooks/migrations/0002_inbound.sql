-- Where a third party tells us something.
CREATE TABLE webhook_inbound (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    name TEXT NOT NULL,
    -- what it is about, as callers name it
    integration TEXT NOT NULL,
    -- digest of what makes the address unguessable
    address BLOB NOT NULL,
    -- JSON: how the sender proves itself
    recipe TEXT NOT NULL,
    secret BLOB,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhook_inbound_address ON webhook_inbound (address);
CREATE INDEX webhook_inbound_organisation ON webhook_inbound (organisation_id, created_at, id);

-- What was told, until somebody has worked on it.
CREATE TABLE webhook_message (
    id BLOB NOT NULL PRIMARY KEY,
    inbound_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL,
    -- of signature, time and body: what is sent twice is kept once
    digest BLOB NOT NULL,
    body BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhook_message_once ON webhook_message (inbound_id, digest);
CREATE INDEX webhook_message_at ON webhook_message (at);
