-- What became of the lines of an import.
CREATE TABLE fhir_bulk_import (
    tenant INTEGER NOT NULL,
    job BLOB NOT NULL,
    stored INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (tenant, job)
) STRICT;
