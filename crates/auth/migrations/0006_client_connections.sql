-- What a client is in the eyes of the platform: MITHRIL_ADMIN, NHS, MSP, PHARMACY, MIS or another word.
CREATE TABLE client_type (
    client_id BLOB NOT NULL PRIMARY KEY REFERENCES client (id) ON DELETE CASCADE,
    client_type TEXT NOT NULL,
    set_at INTEGER NOT NULL
) STRICT;

-- Redirect URI and secret of a client for one consumer. Both are clients of the organisation.
CREATE TABLE client_connection (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    client_id BLOB NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    consumer_id BLOB NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    redirect_uri TEXT NOT NULL,
    secret_digest BLOB NOT NULL UNIQUE,
    inserted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (client_id, consumer_id)
) STRICT;

CREATE INDEX client_connection_by_consumer ON client_connection (consumer_id, id);
