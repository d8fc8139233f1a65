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

-- Why the last review ended as it did, for the developer.
CREATE TABLE client_review (
    id BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL REFERENCES client (id),
    reviewed_at INTEGER NOT NULL,
    reviewed_by BLOB REFERENCES person (id),
    outcome TEXT NOT NULL,
    note TEXT NOT NULL,
    registration TEXT NOT NULL
) STRICT;

CREATE INDEX client_review_by_client ON client_review (client_id, reviewed_at);
