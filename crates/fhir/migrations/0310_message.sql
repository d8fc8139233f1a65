-- Messages that were processed: `key` is a digest of who sent it and of the id that it gives itself, `digest` one of all that was sent.
CREATE TABLE fhir_message (
    tenant INTEGER NOT NULL,
    key BLOB NOT NULL,
    digest BLOB NOT NULL,
    answer TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
