-- Where an event stands in the feed: places have no gaps and grow in the order in which they are given out, so whoever has read up to
-- one place has missed nothing before it. `turn` is drawn when the event is written; places follow it.
ALTER TABLE event ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE event ADD COLUMN place INTEGER;

CREATE INDEX event_unplaced ON event (turn, id) WHERE place IS NULL;
CREATE INDEX event_by_place ON event (organisation_id, place) WHERE place IS NOT NULL;

-- one row: the newest place that was given out
CREATE TABLE event_feed (
    id INTEGER NOT NULL PRIMARY KEY,
    place INTEGER NOT NULL
) STRICT;

-- postgres:
CREATE SEQUENCE event_turn;
-- both:
