-- whose work it is, so that only they see and steer it; none for our own
ALTER TABLE job ADD COLUMN owner BLOB;
-- it was asked to end: the attempt that is running ends between two steps
ALTER TABLE job ADD COLUMN cancel_at INTEGER;
-- how far the running attempt is, in its own units; none where it has not said
ALTER TABLE job ADD COLUMN progress_done INTEGER;
ALTER TABLE job ADD COLUMN progress_of INTEGER;
-- how often somebody has let it run again by hand
ALTER TABLE job ADD COLUMN replays INTEGER NOT NULL DEFAULT 0;

CREATE INDEX job_owner ON job (owner, state, id) WHERE owner IS NOT NULL;

-- what happens again and again: one row for each kind of work and whoever it is done for
CREATE TABLE job_schedule (
    name TEXT NOT NULL,
    subject BLOB NOT NULL,
    owner BLOB NOT NULL,
    schedule TEXT NOT NULL,
    payload TEXT NOT NULL,
    -- none where nothing happens by the clock
    next_at INTEGER,
    paused_at INTEGER,
    PRIMARY KEY (name, subject)
) STRICT;

CREATE INDEX job_schedule_due ON job_schedule (name, next_at) WHERE next_at IS NOT NULL AND paused_at IS NULL;
