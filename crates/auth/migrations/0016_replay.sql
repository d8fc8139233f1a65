-- What is good once and was used: the digest of a client assertion's issuer and id (RFC 7523 §3). The row decides, whichever
-- node the assertion comes to and however often it is restarted. It goes when the assertion would be over.
CREATE TABLE replay (
    digest BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX replay_by_expiry ON replay (expires_at);
