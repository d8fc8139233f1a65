-- What occurs in a site, each written once and kept: what a word, a system or a URI leads to, so that records need no rows of their own
-- for it. `target` is the `k` of postings, or the `target` of links.
CREATE TABLE fhir_term (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    folded BLOB NOT NULL,
    target INTEGER NOT NULL,
    PRIMARY KEY (tenant, k, folded, target)
) STRICT, WITHOUT ROWID;

-- Strings by every three letters that follow one another in them, as a number that sorts as they do. `folded` is the string's row.
CREATE TABLE fhir_gram (
    tenant INTEGER NOT NULL,
    k INTEGER NOT NULL,
    gram INTEGER NOT NULL,
    folded BLOB NOT NULL,
    PRIMARY KEY (tenant, k, gram, folded)
) STRICT, WITHOUT ROWID;

-- The sets of parameters that records have values of. A set's number stands in `system` of the posting by which its type is found.
CREATE TABLE fhir_shape (
    tenant INTEGER NOT NULL,
    type INTEGER NOT NULL,
    parameter INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, parameter, shape)
) STRICT, WITHOUT ROWID;
