-- Whoever acts by the link to the page of a webhook endpoint has no account.
ALTER TABLE audit_event ADD COLUMN link_id BLOB;
