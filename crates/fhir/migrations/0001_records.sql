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
-- `meta_at`. None for a deletion. `codec` says how it is kept: 0 as it is, 1 zstd with dictionary 1. On SQLite a table with a rowid:
-- one without would put what of a body is over a quarter of a page onto a page of its own, and leave that mostly empty.
CREATE TABLE fhir_version (
    tenant INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    type INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    method INTEGER NOT NULL,
    at INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    codec INTEGER NOT NULL,
    meta_at INTEGER NOT NULL,
    body BLOB,
    PRIMARY KEY (tenant, rid)
) STRICT;

-- The newest version of each record that ever was.
CREATE TABLE fhir_current (
    tenant INTEGER NOT NULL,
    type INTEGER NOT NULL,
    id BLOB NOT NULL,
    rid INTEGER NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, id)
) STRICT, WITHOUT ROWID;

-- Versions that have a newer one: a record that was never changed has none here.
CREATE TABLE fhir_history (
    tenant INTEGER NOT NULL,
    type INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, id, version)
) STRICT, WITHOUT ROWID;

-- What a record is found by. `k` is a keyed hash of type, parameter and value: codes, URIs, the type itself.
CREATE TABLE fhir_posting (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    system INTEGER NOT NULL,
    PRIMARY KEY (tenant, k, rid, system)
) STRICT, WITHOUT ROWID;

-- References and memberships of compartments: `k` of type and parameter, `target` the identity of what is referred to.
CREATE TABLE fhir_link (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    target INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (tenant, k, target, rid)
) STRICT, WITHOUT ROWID;

-- Strings by their folded beginning, compared byte by byte on both engines.
CREATE TABLE fhir_string (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    folded BLOB NOT NULL,
    rid INTEGER NOT NULL,
    PRIMARY KEY (tenant, k, folded, rid)
) STRICT, WITHOUT ROWID;

-- Dates, in milliseconds: where each begins, and how far it reaches from there. By record to sort by, by value to search by.
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
