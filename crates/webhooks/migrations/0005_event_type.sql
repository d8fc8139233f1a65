-- What an endpoint wants to be told, by type of events, so that one is found among many that want something else.
CREATE TABLE webhook_endpoint_type (
    organisation_id BLOB NOT NULL,
    -- a name, a family of names (connection.*), or * for all
    event_type TEXT NOT NULL,
    endpoint_id BLOB NOT NULL,
    PRIMARY KEY (organisation_id, event_type, endpoint_id)
) STRICT;
CREATE INDEX webhook_endpoint_type_endpoint ON webhook_endpoint_type (endpoint_id);
-- Those that are there are asked for all, until they are changed: each is asked itself, too.
INSERT INTO webhook_endpoint_type (organisation_id, event_type, endpoint_id) SELECT organisation_id, '*', id FROM webhook_endpoint;
