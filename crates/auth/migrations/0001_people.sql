-- Organisations are the tenants; everything else here belongs to one.
CREATE TABLE organisation (
    id BLOB NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE site (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (organisation_id, slug),
    UNIQUE (id, organisation_id)
) STRICT;

CREATE TABLE study (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (organisation_id, slug),
    UNIQUE (id, organisation_id)
) STRICT;

-- A study runs at sites of its own organisation: both keys carry the organisation, so no row can cross a tenant.
CREATE TABLE study_site (
    organisation_id BLOB NOT NULL,
    study_id BLOB NOT NULL,
    site_id BLOB NOT NULL,
    PRIMARY KEY (study_id, site_id),
    FOREIGN KEY (study_id, organisation_id) REFERENCES study (id, organisation_id),
    FOREIGN KEY (site_id, organisation_id) REFERENCES site (id, organisation_id)
) STRICT;

-- email, display_name and password (a PHC string) are sealed with the key of the organisation.
CREATE TABLE person (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    email_digest BLOB NOT NULL UNIQUE,
    email BLOB NOT NULL,
    display_name BLOB NOT NULL,
    password BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

CREATE INDEX person_by_organisation ON person (organisation_id, id);

CREATE TABLE person_role (
    person_id BLOB NOT NULL REFERENCES person (id),
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    role TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, organisation_id, role)
) STRICT;

CREATE INDEX person_role_by_organisation ON person_role (organisation_id, role);

-- digest is of the random value that the cookie carries sealed.
CREATE TABLE session (
    id BLOB NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    person_id BLOB NOT NULL REFERENCES person (id),
    authenticated_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE INDEX session_by_person ON session (person_id, id);
CREATE INDEX session_by_end ON session (ends_at);

-- How often sign-in has failed lately. Account and source are digests; the digest of nothing stands for "any".
CREATE TABLE sign_in_tally (
    account BLOB NOT NULL,
    source BLOB NOT NULL,
    failures INTEGER NOT NULL,
    tried_at INTEGER NOT NULL,
    succeeded_at INTEGER,
    PRIMARY KEY (account, source)
) STRICT;

CREATE INDEX sign_in_tally_by_time ON sign_in_tally (tried_at);
