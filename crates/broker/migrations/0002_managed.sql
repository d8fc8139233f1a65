-- Integrations as staff manage them (contract 4): the same rows, with what is administered there. kind is the contract's type.
ALTER TABLE integration ADD COLUMN kind TEXT NOT NULL DEFAULT 'api';
-- pending, active, inactive, error, archived
ALTER TABLE integration ADD COLUMN status TEXT NOT NULL DEFAULT 'inactive';
-- whether it was set up on the pages, for people who link accounts; those of the API have no page for that
ALTER TABLE integration ADD COLUMN links INTEGER NOT NULL DEFAULT 1;
-- the name in lower case, where it has to be the only one of the organisation
ALTER TABLE integration ADD COLUMN name_key TEXT;
ALTER TABLE integration ADD COLUMN config TEXT NOT NULL DEFAULT '{}';
-- JSON object: which credentials are set, by fingerprint; they themselves are in integration_secret
ALTER TABLE integration ADD COLUMN credentials TEXT NOT NULL DEFAULT '{}';
ALTER TABLE integration ADD COLUMN sync_frequency TEXT NOT NULL DEFAULT 'manual';
ALTER TABLE integration ADD COLUMN last_sync INTEGER;
ALTER TABLE integration ADD COLUMN next_sync INTEGER;
ALTER TABLE integration ADD COLUMN created_by TEXT;
ALTER TABLE integration ADD COLUMN updated_by TEXT;
-- the last test: when, and success, warning or error; none since what is tested has changed
ALTER TABLE integration ADD COLUMN tested_at INTEGER;
ALTER TABLE integration ADD COLUMN test_status TEXT;
ALTER TABLE integration ADD COLUMN archived_at INTEGER;
UPDATE integration SET status = 'active' WHERE enabled = 1;

CREATE UNIQUE INDEX integration_name_key ON integration (organisation_id, name_key) WHERE status <> 'archived';
CREATE INDEX integration_by_organisation ON integration (organisation_id, created_at);

CREATE TABLE integration_study (
    integration_id BLOB NOT NULL REFERENCES integration (id),
    study_id BLOB NOT NULL,
    PRIMARY KEY (integration_id, study_id)
) STRICT;
CREATE INDEX integration_study_by_study ON integration_study (study_id);

-- What was changed, by whom and why: what was there before and after (JSON), never a credential.
CREATE TABLE integration_change (
    integration_id BLOB NOT NULL REFERENCES integration (id),
    version INTEGER NOT NULL,
    act TEXT NOT NULL,
    at INTEGER NOT NULL,
    by_whom TEXT NOT NULL,
    reason TEXT,
    before TEXT,
    after TEXT,
    PRIMARY KEY (integration_id, version)
) STRICT;

-- What a request with an Idempotency-Key has done, for as long as it may come again.
CREATE TABLE integration_request (
    organisation_id BLOB NOT NULL,
    holder_id BLOB NOT NULL,
    request_key TEXT NOT NULL,
    digest BLOB NOT NULL,
    integration_id BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, holder_id, request_key)
) STRICT;
CREATE INDEX integration_request_expires ON integration_request (expires_at);
