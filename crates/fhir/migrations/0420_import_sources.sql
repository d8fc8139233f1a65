-- Lines on their way in: their pieces are there, and nothing of them counts until all are. How many bytes have come.
CREATE TABLE fhir_bulk_upload (
    tenant INTEGER NOT NULL,
    id BLOB NOT NULL,
    client_id BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX fhir_bulk_upload_by_change ON fhir_bulk_upload (changed_at);

-- A file that an import fetches, in the order of the kick-off. `url` is sealed, as addresses may carry a signature that opens them. `bytes`
-- and `lines` say how much of it is written, as it is when it is unpacked; `is_packed` is 1 where it came packed.
CREATE TABLE fhir_bulk_source (
    tenant INTEGER NOT NULL,
    job BLOB NOT NULL,
    number INTEGER NOT NULL,
    type TEXT NOT NULL,
    url BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    etag TEXT,
    is_packed INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    written INTEGER NOT NULL,
    PRIMARY KEY (tenant, job, number)
) STRICT;

-- Of which file of the kick-off a file of errors tells; 0 for none.
ALTER TABLE fhir_bulk_file ADD COLUMN source INTEGER NOT NULL DEFAULT 0;

-- From which hosts a site's imports fetch, as JSON; without a row from all that may be called.
CREATE TABLE fhir_import_hosts (
    tenant INTEGER NOT NULL,
    hosts TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant)
) STRICT;
