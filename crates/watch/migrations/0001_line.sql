-- What lines say: each text once. The id is a hash of the text, so that any node can name it without asking.
CREATE TABLE log_phrase (
    id INTEGER NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    -- debug, info, warning, error
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    -- why, where the event alone does not say it
    reason TEXT
) STRICT;

-- Up to when an integration's log is written.
CREATE TABLE integration_log (
    integration_id BLOB NOT NULL PRIMARY KEY,
    last_at INTEGER NOT NULL
) STRICT;

-- A line. No two of an integration have the same time, and their times grow in the order in which they were committed:
-- so the time alone is their order, their place in a stream and the cursor of a list.
CREATE TABLE integration_line (
    integration_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    phrase INTEGER NOT NULL,
    -- what it is about besides: a sync, a connection, a message
    subject_kind TEXT,
    subject_id BLOB,
    -- numbers, as JSON
    details TEXT NOT NULL,
    PRIMARY KEY (integration_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX integration_line_phrase ON integration_line (integration_id, phrase, at);
CREATE INDEX integration_line_subject ON integration_line (integration_id, subject_id, at) WHERE subject_id IS NOT NULL;

-- How many lines of each text a day has, so that nobody counts them.
CREATE TABLE integration_line_count (
    integration_id BLOB NOT NULL,
    -- days since the epoch, UTC
    day INTEGER NOT NULL,
    phrase INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    PRIMARY KEY (integration_id, day, phrase)
) STRICT, WITHOUT ROWID;
CREATE INDEX integration_line_count_day ON integration_line_count (day);

-- Numbers of an integration in steps of a minute and of an hour, which add up over nodes.
CREATE TABLE integration_metric (
    integration_id BLOB NOT NULL,
    -- 60 or 3600
    step_s INTEGER NOT NULL,
    -- seconds since the epoch at which the step begins
    begun INTEGER NOT NULL,
    measure INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (integration_id, step_s, begun, measure)
) STRICT, WITHOUT ROWID;
CREATE INDEX integration_metric_step ON integration_metric (step_s, begun);
