CREATE TABLE audit_event (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    organisation_id BLOB,
    actor TEXT NOT NULL,
    person_id BLOB,
    client_id BLOB,
    act TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT,
    outcome TEXT NOT NULL,
    reason TEXT,
    request_id TEXT,
    canonical BLOB NOT NULL
) STRICT;

CREATE INDEX audit_event_by_organisation ON audit_event (organisation_id, id);
CREATE INDEX audit_event_by_person ON audit_event (person_id, id) WHERE person_id IS NOT NULL;
CREATE INDEX audit_event_by_client ON audit_event (client_id, id) WHERE client_id IS NOT NULL;
CREATE INDEX audit_event_by_subject ON audit_event (subject_id, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_event_by_act ON audit_event (organisation_id, act, id);

-- sqlite:
CREATE TRIGGER audit_event_keeps_rows BEFORE UPDATE ON audit_event
BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END;
CREATE TRIGGER audit_event_loses_no_rows BEFORE DELETE ON audit_event
BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END;
-- postgres:
CREATE FUNCTION audit_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit_event is append-only'; END $$;
CREATE TRIGGER audit_event_keeps_rows BEFORE UPDATE OR DELETE ON audit_event
FOR EACH ROW EXECUTE FUNCTION audit_event_is_append_only();
CREATE TRIGGER audit_event_loses_no_rows BEFORE TRUNCATE ON audit_event
FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_append_only();
