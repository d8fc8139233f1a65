-- Requests that clients push before they send the browser (RFC 9126). request is the form that was pushed, sealed.
CREATE TABLE pushed_request (
    digest BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL REFERENCES client (id),
    request BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX pushed_request_by_expiry ON pushed_request (expires_at);

-- How the answer to a request that waits goes to the client: 'query', 'fragment', 'form_post'.
ALTER TABLE authorization_request ADD COLUMN response_mode TEXT NOT NULL DEFAULT 'query';
