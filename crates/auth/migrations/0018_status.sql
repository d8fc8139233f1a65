-- Token status lists (IETF OAuth Token Status List): each running process fills lists of its own; a row here says that a list
-- exists, and an entry that the token with this index is not valid any more.
CREATE TABLE status_list (
    id BLOB NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX status_list_by_time ON status_list (created_at);

CREATE TABLE status_entry (
    list_id BLOB NOT NULL REFERENCES status_list (id),
    position INTEGER NOT NULL,
    marked_at INTEGER NOT NULL,
    PRIMARY KEY (list_id, position)
) STRICT;
