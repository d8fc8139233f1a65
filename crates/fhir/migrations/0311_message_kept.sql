-- Messages that were processed, the oldest of a site first: they are let go of.
CREATE INDEX fhir_message_by_age ON fhir_message (tenant, at);
