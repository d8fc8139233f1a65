-- What patients permit and deny, written in the transaction that writes the Consent. `rule` is the place of the Consent's version and
-- the number in it, `last` the last one that stands in it; `dims` says by what it is narrowed, `clauses` of how many lists of words one
-- has to be said of who asks. `effect` is 1 of a permission.
CREATE TABLE fhir_consent_rule (
    tenant INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    consent INTEGER NOT NULL,
    patient BLOB NOT NULL,
    effect INTEGER NOT NULL,
    last INTEGER NOT NULL,
    dims INTEGER NOT NULL,
    clauses INTEGER NOT NULL,
    at INTEGER NOT NULL,
    begins INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    PRIMARY KEY (tenant, rule)
) STRICT, WITHOUT ROWID;

CREATE INDEX fhir_consent_rule_by_patient ON fhir_consent_rule (tenant, patient, consent);

-- Who a rule is about: actors, actions, purposes.
CREATE TABLE fhir_consent_ask (
    tenant INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    clause INTEGER NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (tenant, rule, clause, word)
) STRICT, WITHOUT ROWID;

-- Which records a rule is about, by the places of their newest versions: of patients without a Consent there is nothing here.
CREATE TABLE fhir_consented (
    tenant INTEGER NOT NULL,
    rid INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    PRIMARY KEY (tenant, rid, rule)
) STRICT, WITHOUT ROWID;

CREATE INDEX fhir_consented_by_rule ON fhir_consented (tenant, rule, rid);

-- Whether a site asks its patients' Consents.
ALTER TABLE fhir_site_policy ADD COLUMN consent TEXT NOT NULL DEFAULT 'enforce' CHECK (consent IN ('off', 'enforce'));
