-- A site as its records know it: every table below begins its keys with `tenant`. `seed` keys the hashes of the site's index.
CREATE TABLE fhir_site (
    tenant INTEGER NOT NULL PRIMARY KEY,
    site_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL,
    code TEXT NOT NULL,
    seed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (site_id),
    UNIQUE (code)
) STRICT;

CREATE INDEX fhir_site_by_organisation ON fhir_site (organisation_id, tenant);

-- The newest `rid` of a site and when it was given. Beside the site, which is read by every request and never changes.
CREATE TABLE fhir_clock (
    tenant INTEGER NOT NULL PRIMARY KEY,
    rid INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;

-- Every version of every record, in the order of commits. `body` lacks what the row says: versionId and lastUpdated go in at
-- `meta_at`. None for a deletion. `codec` says how it is kept: 0 as it is, otherwise zstd with the dictionary of this number. On SQLite
-- a table with a rowid: one without would put what of a body is over a quarter of a page onto a page of its own, and leave that mostly
-- empty. Columns stand so that PostgreSQL leaves no gaps between them.
CREATE TABLE fhir_version (
    tenant INT NOT NULL,
    type INT NOT NULL,
    rid INTEGER NOT NULL,
    at INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    version INT NOT NULL,
    meta_at INT NOT NULL,
    method INT NOT NULL,
    codec INT NOT NULL,
    id BLOB NOT NULL,
    body BLOB,
    PRIMARY KEY (tenant, rid)
) STRICT;

-- The newest version of each record that ever was.
CREATE TABLE fhir_current (
    tenant INT NOT NULL,
    type INT NOT NULL,
    rid INTEGER NOT NULL,
    version INT NOT NULL,
    deleted INT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (tenant, type, id)
) STRICT, WITHOUT ROWID;

-- Versions that have a newer one: a record that was never changed has none here.
CREATE TABLE fhir_history (
    tenant INT NOT NULL,
    type INT NOT NULL,
    id BLOB NOT NULL,
    version INT NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, id, version)
) STRICT, WITHOUT ROWID;

-- What a record is found by. `k` is a keyed hash of type, parameter and value: codes, URIs; or the number of the type itself.
CREATE TABLE fhir_posting (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    system INTEGER NOT NULL,
    PRIMARY KEY (tenant, k, rid, system)
) STRICT, WITHOUT ROWID;

-- References and memberships of compartments: what records of a type refer to, by its identity. `ways` has the numbers of up to four
-- parameters and compartments by which they do, sixteen bits each.
CREATE TABLE fhir_link (
    tenant INT NOT NULL,
    type INT NOT NULL,
    target INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    ways INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, target, rid, ways)
) STRICT, WITHOUT ROWID;

-- Strings by their folded beginning, compared byte by byte on both engines. `k` is the number of type and parameter.
CREATE TABLE fhir_string (
    tenant INT NOT NULL,
    k INT NOT NULL,
    rid INTEGER NOT NULL,
    folded BLOB NOT NULL,
    PRIMARY KEY (tenant, k, folded, rid)
) STRICT, WITHOUT ROWID;

-- Dates, in milliseconds: where each begins, and how far it reaches from there. By record to sort by, by value to search by. `k` is the
-- number of type and parameter, of a composite's a hash.
CREATE TABLE fhir_date (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    lo INTEGER NOT NULL,
    span INTEGER NOT NULL,
    PRIMARY KEY (tenant, k, rid, lo, span)
) STRICT, WITHOUT ROWID;

CREATE INDEX fhir_date_by_value ON fhir_date (tenant, k, lo, rid, span);

-- Numbers and quantities: `k` of type, parameter and unit; where the value begins as a number that sorts as it does, and its reach.
CREATE TABLE fhir_number (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    lo INTEGER NOT NULL,
    span INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (tenant, k, lo, span, rid)
) STRICT, WITHOUT ROWID;
