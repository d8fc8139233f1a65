-- Where an organisation wants events to be told.
CREATE TABLE webhook_endpoint (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    -- JSON: which events: {"event_types": […], "studies": […], "integrations": […]}; an empty list does not narrow
    wanted TEXT NOT NULL,
    -- none, subject
    ordering TEXT NOT NULL,
    timeout_s INTEGER NOT NULL,
    -- JSON array: the names of the header fields that are sent with each call
    header_names TEXT NOT NULL,
    -- the values of these fields and the keys that sign
    secrets BLOB NOT NULL,
    -- JSON: the public halves of the keys that sign, and until when
    public_keys TEXT NOT NULL,
    -- enabled, paused (by its owner), disabled (by us, and why)
    state TEXT NOT NULL,
    reason TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_endpoint_organisation ON webhook_endpoint (organisation_id, created_at, id);

-- What goes on with an endpoint. Whoever holds the lease is the only one that calls it.
CREATE TABLE webhook_lane (
    endpoint_id BLOB NOT NULL PRIMARY KEY,
    -- whether anything is sent
    is_open INTEGER NOT NULL,
    -- when there is something to do; the end of the lease while somebody has it
    due_at INTEGER,
    lease_until INTEGER,
    fence INTEGER NOT NULL,
    -- grows with everything that might be due sooner than whoever holds the lease knows
    told INTEGER NOT NULL,
    -- calls in a row that failed, and since when
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    -- whether it failed so often that it is called in the places for such
    is_suspect INTEGER NOT NULL
) STRICT;
CREATE INDEX webhook_lane_due ON webhook_lane (is_suspect, due_at) WHERE due_at IS NOT NULL;

-- One row for each event and endpoint that is told of it.
CREATE TABLE webhook_delivery (
    endpoint_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL,
    event_name TEXT NOT NULL,
    -- the event's place in the feed: the order
    place INTEGER NOT NULL,
    -- what keeps this one waiting for those before it with the same key
    order_key TEXT,
    -- pending, delivered, failed
    state TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    -- calls of this round, and of all rounds
    tries INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (endpoint_id, event_id)
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (endpoint_id, due_at, place) WHERE state = 'pending';
CREATE INDEX webhook_delivery_order ON webhook_delivery (endpoint_id, order_key, place) WHERE state = 'pending' AND order_key IS NOT NULL;
CREATE INDEX webhook_delivery_newest ON webhook_delivery (endpoint_id, place);
CREATE INDEX webhook_delivery_created ON webhook_delivery (created_at);

-- What became of each call.
CREATE TABLE webhook_attempt (
    endpoint_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    -- of the answer; none where there was none
    status INTEGER,
    -- why it failed, in our words; none where it was taken
    error TEXT,
    -- the first bytes of the answer
    answer BLOB,
    PRIMARY KEY (endpoint_id, event_id, number)
) STRICT;
CREATE INDEX webhook_attempt_time ON webhook_attempt (endpoint_id, at);
CREATE INDEX webhook_attempt_old ON webhook_attempt (at);

-- What was asked for under an Idempotency-Key.
CREATE TABLE webhook_request (
    organisation_id BLOB NOT NULL,
    -- of the caller and the key
    key_digest BLOB NOT NULL,
    -- of what was asked
    request_digest BLOB NOT NULL,
    endpoint_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, key_digest)
) STRICT;
CREATE INDEX webhook_request_at ON webhook_request (at);
