-- One version of the deployment's key (tenant is null) or of a tenant's key, wrapped by the root key.
CREATE TABLE vault_key (
    id BLOB PRIMARY KEY NOT NULL,
    tenant BLOB,
    version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
    wrapped BLOB NOT NULL,
    -- a known text sealed with the key: proves that what was unwrapped is the key
    sentinel BLOB NOT NULL,
    made_at INTEGER NOT NULL,
    -- from then on it opens and no longer seals
    retired_at INTEGER
) STRICT;

-- Two indexes, because nulls are distinct to a unique index: whoever makes a version second finds the first.
CREATE UNIQUE INDEX vault_key_tenant_version ON vault_key (tenant, version) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX vault_key_deployment_version ON vault_key (version) WHERE tenant IS NULL;
