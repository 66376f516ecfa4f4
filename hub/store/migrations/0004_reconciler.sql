-- The reconciler leads by a lease of its own; its `position` is the directory version that the broker's rules follow.
INSERT INTO lease (name) VALUES ('reconciler');
-- When its holder last saw everything to be as it should: readiness and metrics tell how long ago that was.
ALTER TABLE lease ADD COLUMN seen_at timestamptz;
