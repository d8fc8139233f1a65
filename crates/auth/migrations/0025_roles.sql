-- What people and clients are, in an organisation or in a study of it (contract 4). holder_id is the person's or the client's;
-- place_id is the study's, or the organisation's own where the role is for all of it.
CREATE TABLE role_grant (
    holder_id BLOB NOT NULL,
    organisation_id BLOB NOT NULL REFERENCES organisation (id),
    role TEXT NOT NULL,
    place_id BLOB NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (holder_id, organisation_id, role, place_id)
) STRICT;

CREATE INDEX role_grant_by_organisation ON role_grant (organisation_id, role);

INSERT INTO role_grant (holder_id, organisation_id, role, place_id, granted_at)
    SELECT person_id, organisation_id, CASE role WHEN 'administrator' THEN 'org_admin' ELSE role END, organisation_id, granted_at
    FROM person_role;

DROP TABLE person_role;
