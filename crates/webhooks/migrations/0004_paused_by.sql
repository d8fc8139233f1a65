-- Who has paused an endpoint: staff, receiver (by a link); none where it is not paused.
ALTER TABLE webhook_endpoint ADD COLUMN paused_by TEXT;
-- Who it was before is not known here: what is paused waits for staff.
UPDATE webhook_endpoint SET paused_by = 'staff' WHERE state = 'paused';
