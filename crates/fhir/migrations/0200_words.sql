-- What occurs in a site, each written once and kept: what a word, a system or a URI leads to, so that records need no rows of their own
-- for it. `k` is the number of type, parameter and kind, `target` the `k` of postings or the `target` of links.
CREATE TABLE fhir_term (
    tenant INT NOT NULL,
    k INT NOT NULL,
    target INTEGER NOT NULL,
    folded BLOB NOT NULL,
    PRIMARY KEY (tenant, k, folded, target)
) STRICT, WITHOUT ROWID;

-- The strings that occur, by a number: their beginning, as their rows have it.
CREATE TABLE fhir_text (
    tenant INT NOT NULL,
    k INT NOT NULL,
    number INT NOT NULL,
    folded BLOB NOT NULL,
    PRIMARY KEY (tenant, k, number, folded)
) STRICT, WITHOUT ROWID;

-- The same by every three letters that follow one another in them, as a number that sorts as they do. `text` is the string's number.
CREATE TABLE fhir_gram (
    tenant INT NOT NULL,
    k INT NOT NULL,
    gram INT NOT NULL,
    text INT NOT NULL,
    PRIMARY KEY (tenant, k, gram, text)
) STRICT, WITHOUT ROWID;

-- The sets of parameters that records have values of. A set's number stands in `system` of the posting by which its type is found.
CREATE TABLE fhir_shape (
    tenant INTEGER NOT NULL,
    type INTEGER NOT NULL,
    parameter INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, parameter, shape)
) STRICT, WITHOUT ROWID;
