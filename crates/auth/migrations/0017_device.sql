-- A sign-in that goes on at another device (RFC 8628). Both codes are kept as keyed digests; scopes are what was asked for, and after
-- the answer what was allowed.
CREATE TABLE device_code (
    id BLOB NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    user_code_digest BLOB NOT NULL UNIQUE,
    client_id BLOB NOT NULL REFERENCES client (id),
    scopes TEXT NOT NULL,
    details TEXT NOT NULL,
    interval_s INTEGER NOT NULL,
    polled_at INTEGER,
    expires_at INTEGER NOT NULL,
    standing TEXT NOT NULL,
    person_id BLOB REFERENCES person (id),
    session_id BLOB REFERENCES session (id)
) STRICT;

CREATE INDEX device_code_by_expiry ON device_code (expires_at);
