-- Keys follow one another: 'next' is published and will sign, 'active' signs, 'retiring' verifies only, 'retired' is over and has no
-- private half any more. changed_at is when the state began; kid is what tokens call the key.
ALTER TABLE signing_key ADD COLUMN kid TEXT;
ALTER TABLE signing_key ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;

UPDATE signing_key SET changed_at = created_at;

-- However many nodes rotate at once, one key of each algorithm is next.
CREATE UNIQUE INDEX signing_key_next ON signing_key (algorithm) WHERE state = 'next';
