-- Who may ask past what patients withhold, in an emergency: nobody, where nothing is said.
ALTER TABLE fhir_site_policy ADD COLUMN break_glass TEXT NOT NULL DEFAULT '';

-- Who states no purpose is under every denial that is bound to one.
INSERT INTO fhir_consent_ask (tenant, rule, clause, word)
SELECT DISTINCT a.tenant, a.rule, a.clause, 'purpose' FROM fhir_consent_ask AS a
    JOIN fhir_consent_rule AS r ON r.tenant = a.tenant AND r.rule = a.rule
WHERE r.effect = 0 AND a.word LIKE 'purpose %';
