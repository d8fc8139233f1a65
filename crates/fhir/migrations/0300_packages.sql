-- Which packages a site has switched on, as `name#version` with spaces between: none where R4 is all it asks for, NULL where it has
-- all that the deployment has. And the profiles that it asks of all records of their types, with spaces between.
ALTER TABLE fhir_site_policy ADD COLUMN packages TEXT;
ALTER TABLE fhir_site_policy ADD COLUMN profiles TEXT NOT NULL DEFAULT '';
