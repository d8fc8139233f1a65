-- An export or import in bulk. `place` says how far it is: of an export the version up to which records are in the output, of `horizon`,
-- the newest at kick-off. `asked` is what was asked for, `held` what the caller may do, both as JSON.
CREATE TABLE fhir_bulk (
    tenant INTEGER NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('export', 'import')),
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'ended')),
    client_id BLOB NOT NULL,
    person_id BLOB,
    asked TEXT NOT NULL,
    held TEXT NOT NULL,
    request TEXT NOT NULL,
    first INTEGER NOT NULL,
    place INTEGER NOT NULL,
    horizon INTEGER NOT NULL,
    resources INTEGER NOT NULL,
    packed_bytes INTEGER NOT NULL,
    why TEXT,
    taken_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX fhir_bulk_by_client ON fhir_bulk (tenant, client_id, state);
CREATE INDEX fhir_bulk_by_expiry ON fhir_bulk (expires_at);

-- A file of NDJSON: what it has, and how many bytes it is when it is served.
CREATE TABLE fhir_bulk_file (
    tenant INTEGER NOT NULL,
    job BLOB NOT NULL,
    number INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('output', 'deleted', 'error', 'input')),
    type TEXT NOT NULL,
    resources INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (tenant, job, number)
) STRICT;

-- A piece of a file, compressed: the `bytes` bytes from `starts`. On SQLite a table with a rowid, as a piece is larger than a page.
CREATE TABLE fhir_bulk_chunk (
    tenant INTEGER NOT NULL,
    job BLOB NOT NULL,
    file INTEGER NOT NULL,
    starts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (tenant, job, file, starts)
) STRICT;
