-- Search parameters that a site has beside R4's. `number` stands in keys and is never given again. Of one that is `building` not all
-- records have their rows yet, of one that is `leaving` some still have; both are for no search.
CREATE TABLE fhir_parameter (
    tenant INTEGER NOT NULL,
    number INTEGER NOT NULL,
    package TEXT NOT NULL,
    definition TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'leaving', 'gone')),
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;

-- How far a site's records are indexed anew: the type, and the place among its records, of those up to `horizon`.
CREATE TABLE fhir_reindex (
    tenant INTEGER NOT NULL PRIMARY KEY,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done')),
    type INTEGER NOT NULL,
    place INTEGER NOT NULL,
    horizon INTEGER NOT NULL,
    looked INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Counts the changes of a site's parameters: a write that was made ready before one is made ready again.
ALTER TABLE fhir_clock ADD COLUMN parameters INTEGER NOT NULL DEFAULT 0;
