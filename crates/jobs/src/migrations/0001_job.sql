CREATE TABLE job (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    lease_owner BLOB,
    lease_until INTEGER,
    fence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    dedupe_key TEXT,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE INDEX job_open ON job (name, run_at) WHERE finished_at IS NULL;
CREATE UNIQUE INDEX job_open_dedupe ON job (name, dedupe_key) WHERE finished_at IS NULL AND dedupe_key IS NOT NULL;
CREATE INDEX job_finished ON job (state, finished_at) WHERE finished_at IS NOT NULL;

-- one row per periodic job: the period that was last asked for, by whichever node came first
CREATE TABLE job_period (
    name TEXT PRIMARY KEY,
    period_at INTEGER NOT NULL
) STRICT;

CREATE TABLE event (
    id BLOB PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX event_by_time ON event (at);
