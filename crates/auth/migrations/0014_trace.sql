-- Requests of a client that were refused, for its developers: what was wrong in our own words, never what was sent.
CREATE TABLE client_failure (
    id BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL REFERENCES client (id),
    failed_at INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    error TEXT NOT NULL,
    why TEXT NOT NULL,
    request TEXT
) STRICT;

CREATE INDEX client_failure_by_client ON client_failure (client_id, failed_at);
CREATE INDEX client_failure_by_time ON client_failure (failed_at);
