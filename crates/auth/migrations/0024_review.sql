-- What happened to a client on its way to being verified, in order: decisions of administrators, and what a developer did
-- about them. registration is what an administrator looked at, property by property (JSON); note is for the developer.
CREATE TABLE client_review (
    client_id BLOB NOT NULL REFERENCES client (id),
    nth INTEGER NOT NULL,
    act TEXT NOT NULL,
    note TEXT,
    registration TEXT,
    person_id BLOB REFERENCES person (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (client_id, nth)
) STRICT;

-- What lets a client register itself (RFC 7591 §3), made by an administrator. digest is of the token, which is shown once.
CREATE TABLE initial_access_token (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    made_by BLOB REFERENCES person (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    uses_left INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE INDEX initial_access_token_by_organisation ON initial_access_token (organisation_id, id);
