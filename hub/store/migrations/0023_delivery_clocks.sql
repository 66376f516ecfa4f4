-- When each began to wait for `due_at`, by the clock of who wrote it: after that clock was put right, what began to wait in
-- what is the future by now would wait too long.
ALTER TABLE delivery ADD COLUMN since timestamptz NOT NULL DEFAULT now();
CREATE INDEX delivery_since ON delivery (since) WHERE state = 'due';

-- Since nothing arrives: how often a try has failed a day after it had before, and when that was last. A clock that jumps
-- adds one at most, however far it jumps.
ALTER TABLE tally ADD COLUMN failed_days int NOT NULL DEFAULT 0;
ALTER TABLE tally ADD COLUMN failed_on timestamptz;
