-- A run of a sync: how far it is, and what became of each record that came in.
CREATE TABLE sync_run (
    id BLOB NOT NULL PRIMARY KEY,
    integration_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL,
    -- the row of the queue that goes on with it
    job_id BLOB NOT NULL,
    -- full, incremental
    kind TEXT NOT NULL,
    -- queued, running, done, failed, cancelled
    state TEXT NOT NULL,
    -- pull, recheck
    phase TEXT NOT NULL,
    -- counts its steps: whoever is overtaken writes nothing
    step INTEGER NOT NULL,
    -- where it goes on, in the connector's own words, sealed
    position_sealed BLOB,
    received INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    -- why it failed: a word of ours
    why TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    CONSTRAINT sync_run_adds_up CHECK (received = stored + unchanged + quarantined + deleted)
) STRICT;
CREATE UNIQUE INDEX sync_run_open ON sync_run (integration_id) WHERE finished_at IS NULL;
CREATE INDEX sync_run_integration ON sync_run (integration_id, id);
CREATE INDEX sync_run_unfinished ON sync_run (created_at) WHERE finished_at IS NULL;

-- Up to where all of a source is known: the next incremental run begins there. It moves in the unit that stores the data.
CREATE TABLE sync_mark (
    integration_id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    mark_sealed BLOB NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Every record that an integration has brought: which one, with what content, and in which full run it was last seen.
CREATE TABLE sync_record (
    integration_id BLOB NOT NULL,
    of TEXT NOT NULL,
    id TEXT NOT NULL,
    digest BLOB NOT NULL,
    -- stored, quarantined, gone
    state TEXT NOT NULL,
    run_id BLOB NOT NULL,
    PRIMARY KEY (integration_id, of, id)
) STRICT;

-- Records that were not taken, sealed together with the words that say why.
CREATE TABLE quarantine (
    id BLOB NOT NULL PRIMARY KEY,
    integration_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL,
    run_id BLOB NOT NULL,
    of TEXT NOT NULL,
    record_id TEXT NOT NULL,
    -- a code of FHIR's issue types
    code TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- replayed, discarded, replaced
    settled TEXT,
    settled_at INTEGER
) STRICT;
CREATE UNIQUE INDEX quarantine_open ON quarantine (integration_id, of, record_id) WHERE settled IS NULL;
CREATE INDEX quarantine_integration ON quarantine (integration_id, id);
