-- Clients that registered by a statement under a certificate: within a community, the URI of the certificate names one application
-- and its operator over time.
CREATE TABLE udap_client (
    community TEXT NOT NULL,
    issuer TEXT NOT NULL,
    client_id BLOB NOT NULL UNIQUE REFERENCES client (id),
    PRIMARY KEY (community, issuer)
) STRICT;

-- Statements that were used: the digest of issuer and id. A row goes when its statement would be over.
CREATE TABLE udap_statement (
    digest BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX udap_statement_by_expiry ON udap_statement (expires_at);
