-- name and secret are sealed with the key of the person's organisation. secret is the key of an authenticator app, or what
-- is kept of a passkey, whose id credential is the digest of. An app begins with its first code, and step is the last
-- time step of which a code was taken.
CREATE TABLE factor (
    id BLOB NOT NULL PRIMARY KEY,
    person_id BLOB NOT NULL REFERENCES person (id),
    kind TEXT NOT NULL,
    name BLOB NOT NULL,
    secret BLOB NOT NULL,
    credential BLOB UNIQUE,
    step INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    confirmed_at INTEGER,
    used_at INTEGER
) STRICT;

CREATE INDEX factor_by_person ON factor (person_id, id);

CREATE TABLE recovery_code (
    digest BLOB NOT NULL PRIMARY KEY,
    person_id BLOB NOT NULL REFERENCES person (id),
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

CREATE INDEX recovery_code_by_person ON recovery_code (person_id);

-- What a browser was asked about passkeys: answered once. No person stands for a sign-in.
CREATE TABLE passkey_question (
    id BLOB NOT NULL PRIMARY KEY,
    person_id BLOB REFERENCES person (id),
    state BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX passkey_question_by_end ON passkey_question (expires_at);

ALTER TABLE session ADD COLUMN acr TEXT NOT NULL DEFAULT 'urn:hilum:acr:password';
ALTER TABLE session ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';
ALTER TABLE session ADD COLUMN browser TEXT NOT NULL DEFAULT '';
