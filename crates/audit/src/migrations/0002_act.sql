-- Tokens are issued all the time: whoever asks for them finds them among the newest rows, and every other act by this index.
DROP INDEX audit_event_by_act;
CREATE INDEX audit_event_by_act ON audit_event (organisation_id, act, id) WHERE act <> 'token.issued';
