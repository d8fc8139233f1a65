-- By which rules records of a site are de-identified: one row for each policy beside the one that every site has.
CREATE TABLE fhir_deidentification (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    rules TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;
