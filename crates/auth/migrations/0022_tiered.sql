-- An identity provider of a trust community with which this server has registered itself (UDAP Tiered OAuth): the community's URI.
-- Its secret is the community's key, so there is none here; updated_at is when it was last registered.
ALTER TABLE upstream ADD COLUMN community TEXT;

-- On whose wish a browser was sent away: the client that named the provider, and is told what went wrong.
ALTER TABLE upstream_attempt ADD COLUMN client_id BLOB REFERENCES client (id);
