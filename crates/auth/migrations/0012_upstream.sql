-- External OpenID providers that people sign in through. settings is a document without secrets; secret is sealed: the
-- client secret, or the private key (PKCS#8) that signs our assertions there.
CREATE TABLE upstream (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    secret BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

-- Whom a provider's subject is here: one person, and a person is one subject there. subject is a digest.
CREATE TABLE upstream_link (
    upstream_id BLOB NOT NULL REFERENCES upstream (id),
    subject BLOB NOT NULL,
    person_id BLOB NOT NULL REFERENCES person (id),
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (upstream_id, subject),
    UNIQUE (upstream_id, person_id)
) STRICT;

CREATE INDEX upstream_link_by_person ON upstream_link (person_id);

-- A browser that was sent to a provider: it comes back once. state, browser and nonce are digests; verifier is sealed.
-- Where a person is named, they want to link; else somebody wants to sign in.
CREATE TABLE upstream_attempt (
    state BLOB NOT NULL PRIMARY KEY,
    upstream_id BLOB NOT NULL REFERENCES upstream (id),
    browser BLOB NOT NULL,
    nonce BLOB NOT NULL,
    verifier BLOB NOT NULL,
    return_to TEXT NOT NULL,
    acr TEXT,
    person_id BLOB REFERENCES person (id),
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX upstream_attempt_by_end ON upstream_attempt (expires_at);

-- What the provider said that is kept for the session, sealed with the key of the person's organisation.
ALTER TABLE session ADD COLUMN claims BLOB;
