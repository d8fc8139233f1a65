-- What an organisation has subscribed to: one row for each bundle of APIs that its sites may call.
CREATE TABLE fhir_plan (
    organisation_id BLOB NOT NULL,
    subscription TEXT NOT NULL CHECK (subscription IN ('foundation', 'base', 'clinical', 'financial', 'specialized')),
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, subscription)
) STRICT;

-- How a site takes what is written: whether it is validated, and whether a record may be made under an id that the caller names.
CREATE TABLE fhir_site_policy (
    tenant INTEGER NOT NULL PRIMARY KEY,
    validation TEXT NOT NULL CHECK (validation IN ('off', 'warn', 'enforce')),
    upsert TEXT NOT NULL CHECK (upsert IN ('allowed', 'refused')),
    changed_at INTEGER NOT NULL
) STRICT;
