-- When a connection's secret was last used, to within five minutes.
ALTER TABLE client_connection ADD COLUMN last_used_at INTEGER;
