-- Until when a source wants to be left alone, by all nodes.
CREATE TABLE sync_pause (
    integration_id BLOB NOT NULL PRIMARY KEY,
    until_at INTEGER NOT NULL
) STRICT;

-- Calls that are under way: so many places for each integration, each held by one call until it ends, or until its time is over.
CREATE TABLE sync_call (
    integration_id BLOB NOT NULL,
    place INTEGER NOT NULL,
    holder BLOB NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (integration_id, place)
) STRICT;
