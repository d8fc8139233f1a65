-- Whose records a person may open: their own, a relative's, a patient's. The label, by which the person knows the record, is
-- sealed with the key of the person's organisation.
CREATE TABLE patient_link (
    id BLOB NOT NULL PRIMARY KEY,
    person_id BLOB NOT NULL REFERENCES person (id),
    patient_id TEXT NOT NULL,
    relation TEXT NOT NULL,
    label BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (person_id, patient_id)
) STRICT;

-- Encounters of a patient, as far as somebody may choose among them at a launch. The label is sealed like a link's.
CREATE TABLE patient_encounter (
    id BLOB NOT NULL PRIMARY KEY,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    patient_id TEXT NOT NULL,
    encounter_id TEXT NOT NULL,
    label BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (organisation_id, patient_id, encounter_id)
) STRICT;

-- The record in the health system that is the person: 'Practitioner/5'.
CREATE TABLE fhir_user (
    person_id BLOB NOT NULL PRIMARY KEY REFERENCES person (id),
    resource TEXT NOT NULL,
    declared_at INTEGER NOT NULL
) STRICT;

-- Launches that wait for their application. The digest is of the handle, which is shown once.
CREATE TABLE smart_launch (
    digest BLOB NOT NULL PRIMARY KEY,
    client_id BLOB NOT NULL REFERENCES client (id),
    person_id BLOB NOT NULL REFERENCES person (id),
    context TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX smart_launch_by_expiry ON smart_launch (expires_at);
