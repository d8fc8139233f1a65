-- Who stood behind interactions, each written once: `agent` is a hash of `said`, which is JSON.
CREATE TABLE fhir_agent (
    tenant INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (tenant, agent)
) STRICT, WITHOUT ROWID;

-- One row of each interaction: what AuditEvents are made of when they are asked for. `id` says when (UUID version 7). Of what was written,
-- and of a version that was read, `first` and `last` say the places; of everything else `named` says the record, `asked` the search and
-- `patients` whose records there were in the answer. The rest of an event is what the agent and the versions say.
CREATE TABLE fhir_audit (
    tenant INTEGER NOT NULL,
    id BLOB NOT NULL,
    agent INTEGER NOT NULL,
    did INTEGER NOT NULL,
    status INTEGER NOT NULL,
    first INTEGER,
    last INTEGER,
    named TEXT,
    asked TEXT,
    patients TEXT,
    request TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- In which of them a patient occurs: `target` is the identity of the Patient.
CREATE TABLE fhir_audit_patient (
    tenant INTEGER NOT NULL,
    target INTEGER NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (tenant, target, id)
) STRICT, WITHOUT ROWID;
