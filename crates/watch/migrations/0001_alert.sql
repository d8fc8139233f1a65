-- What an organisation wants to be told of.
CREATE TABLE alert_rule (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    name TEXT NOT NULL,
    -- error_rate, latency, failed_sync, no_data, queue_depth, refusals
    kind TEXT NOT NULL,
    -- none for all of the organisation
    integration_id BLOB,
    threshold INTEGER NOT NULL,
    window_s INTEGER NOT NULL,
    -- integration, rule
    grouping TEXT NOT NULL,
    cooldown_s INTEGER NOT NULL,
    -- addresses, as JSON
    email TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_rule_organisation ON alert_rule (organisation_id, id);

-- How a rule stands for what it watches: an integration, or sixteen zeros for all of them together.
CREATE TABLE alert_state (
    rule_id BLOB NOT NULL REFERENCES alert_rule (id) ON DELETE CASCADE,
    subject_id BLOB NOT NULL,
    firing INTEGER NOT NULL,
    since INTEGER NOT NULL,
    value INTEGER NOT NULL,
    -- when it was last told that it fires
    fired_at INTEGER NOT NULL,
    PRIMARY KEY (rule_id, subject_id)
) STRICT;
