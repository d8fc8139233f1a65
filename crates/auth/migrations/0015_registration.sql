-- Clients that registered themselves (RFC 7591): the digest of the token with which each manages its registration (RFC 7592).
CREATE TABLE client_registration (
    client_id BLOB NOT NULL PRIMARY KEY REFERENCES client (id),
    digest BLOB NOT NULL,
    rotated_at INTEGER NOT NULL
) STRICT;
