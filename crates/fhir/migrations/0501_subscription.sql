-- A topic that a site declares beside the built-in ones: SubscriptionTopic of R5, in JSON, as it was sent.
CREATE TABLE fhir_topic (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name),
    UNIQUE (tenant, url)
) STRICT, WITHOUT ROWID;

-- Up to which place the feed of a site was held against its subscriptions.
CREATE TABLE fhir_feed (
    tenant INTEGER NOT NULL PRIMARY KEY,
    rid INTEGER NOT NULL
) STRICT;

-- What is going on with a Subscription. `version` is the record that was taken up; `generation` counts what its owner wrote of it,
-- `epoch` what was asked of the worker. `since` is the place from which on it is told, none while it is not. `events` is the number
-- of the newest event, `delivered` of the newest one that arrived. `secrets` is sealed.
CREATE TABLE fhir_subscription (
    tenant INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('requested', 'active', 'error', 'off')),
    channel TEXT NOT NULL CHECK (channel IN ('rest-hook', 'sse')),
    owner TEXT NOT NULL,
    secrets BLOB,
    since INTEGER,
    events INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    reason TEXT,
    heartbeat_s INTEGER,
    sent_at INTEGER NOT NULL,
    ends_at INTEGER,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- What a subscription is told of: numbers without gaps, each the place of a version.
CREATE TABLE fhir_event (
    tenant INTEGER NOT NULL,
    subscription BLOB NOT NULL,
    number INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, subscription, number)
) STRICT, WITHOUT ROWID;
