-- After how long an alert that nobody has acknowledged is told again; none where it is not.
ALTER TABLE alert_rule ADD COLUMN repeat_s INTEGER;
-- Somebody sees to what fires: since when, who, and what they say of it.
ALTER TABLE alert_state ADD COLUMN acknowledged_at INTEGER;
ALTER TABLE alert_state ADD COLUMN acknowledged_by TEXT;
ALTER TABLE alert_state ADD COLUMN note TEXT;
