-- How the last tests of an integration went, each step by step, in words of ours.
CREATE TABLE integration_test (
    id BLOB NOT NULL PRIMARY KEY,
    integration_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL,
    tested_at INTEGER NOT NULL,
    tested_by TEXT NOT NULL,
    -- success, warning, error
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    -- JSON: how long it took, what the other side says that it is, what we may do there, and the steps
    details TEXT NOT NULL
) STRICT;
CREATE INDEX integration_test_integration ON integration_test (integration_id, id);
