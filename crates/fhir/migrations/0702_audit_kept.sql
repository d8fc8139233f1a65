-- What was recorded is never changed, and not lost before six years (2,192 days) are over: the first six bytes of an id are its milliseconds.
-- sqlite:
CREATE TRIGGER fhir_audit_keeps_rows BEFORE UPDATE ON fhir_audit
BEGIN SELECT RAISE(ABORT, 'fhir_audit is append-only'); END;
CREATE TRIGGER fhir_audit_loses_no_rows BEFORE DELETE ON fhir_audit
WHEN hex(substr(OLD.id, 1, 6)) > printf('%012X', (unixepoch() - 189388800) * 1000)
BEGIN SELECT RAISE(ABORT, 'fhir_audit is append-only'); END;
-- postgres:
CREATE FUNCTION fhir_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'fhir_audit is append-only'; END $$;
CREATE FUNCTION fhir_audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
IF encode(substring(OLD.id FROM 1 FOR 6), 'hex') > lpad(to_hex((extract(epoch FROM now())::bigint - 189388800) * 1000), 12, '0')
THEN RAISE EXCEPTION 'fhir_audit is append-only'; END IF;
RETURN OLD;
END $$;
CREATE TRIGGER fhir_audit_keeps_rows BEFORE UPDATE ON fhir_audit
FOR EACH ROW EXECUTE FUNCTION fhir_audit_is_append_only();
CREATE TRIGGER fhir_audit_loses_no_rows BEFORE DELETE ON fhir_audit
FOR EACH ROW EXECUTE FUNCTION fhir_audit_is_kept();
CREATE TRIGGER fhir_audit_is_not_emptied BEFORE TRUNCATE ON fhir_audit
FOR EACH STATEMENT EXECUTE FUNCTION fhir_audit_is_append_only();
