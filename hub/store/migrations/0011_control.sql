-- Answers other than acknowledgements; and what a source does to its event after it is out: taking it back, or tightening
-- its label.

-- Part of what the policy looks at: whether the event was taken back, and of which type the event is whose label an event
-- of this lane changes. So what a change shuts is shut wherever lanes are looked at, in row security too.
ALTER TABLE lane
    ADD COLUMN about       text,
    ADD COLUMN is_recalled boolean NOT NULL DEFAULT false;
DO $$
BEGIN
    EXECUTE (SELECT format('ALTER TABLE lane DROP CONSTRAINT %I', c.conname) FROM pg_constraint c
              WHERE c.conrelid = 'lane'::regclass AND c.contype = 'u');
END $$;
ALTER TABLE lane ADD CONSTRAINT lane_facts UNIQUE NULLS NOT DISTINCT
    (source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse, about, is_recalled);

ALTER TABLE event
    ADD COLUMN recalled_at timestamptz,
    ADD COLUMN recalled_by uuid; -- the control event
-- The event that a control event is about: once it has its position, whoever had received that one is owed it.
ALTER TABLE pending ADD COLUMN changed uuid;

-- The event as it stood before its label was changed: what was disclosed until then was cut from this.
CREATE TABLE earlier_text (
    event              uuid NOT NULL,
    until              timestamptz NOT NULL,
    projection_version smallint NOT NULL,
    cuts               text NOT NULL,
    text               text NOT NULL,
    PRIMARY KEY (event, until)
);
ALTER TABLE earlier_text ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY workers ON earlier_text TO puente_worker USING (true) WITH CHECK (true); -- gateways have no right to it

CREATE INDEX owed_position ON owed (position);

-- Empty. Who discloses names it in the statement that says so, and thereby holds it (ACCESS SHARE) from before the
-- statement looks at anything until it commits; who changes an event takes it alone. See hub/store/control.py.
CREATE TABLE disclosing ();
GRANT SELECT ON disclosing TO puente_gateway;

-- `is_answer` of schemas/registry.py.
CREATE FUNCTION is_answer(type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT starts_with(type, 'ack.') OR starts_with(type, 'note.')
$$;

-- As before; besides, what was taken back leads to its source alone, a recall likewise (who had received the event is owed
-- it), and a changed label leads where the event itself does.
CREATE OR REPLACE VIEW due_way_lane AS
SELECT g.id AS way, l.id AS lane
  FROM open_source g JOIN lane l ON l.source = g.source
 WHERE l.tlp <= g.max_tlp AND covers_type(g.types, coalesce(l.about, l.type)) AND touch(g.jurisdictions, l.jurisdictions)
   AND NOT l.is_recalled AND l.type <> 'control.recalled'
UNION
SELECT w.way, l.id
  FROM lane l CROSS JOIN LATERAL (
       SELECT '@' || l.source
        UNION ALL SELECT '@' || named.agency FROM unnest(l.audience) AS named (agency)
                   WHERE is_answer(coalesce(l.about, l.type)) AND NOT l.is_recalled
        UNION ALL SELECT '@'
                   WHERE is_answer(coalesce(l.about, l.type)) AND NOT l.is_recalled AND l.audience IS NULL) AS w (way);

-- As before; such lanes hold only what a change put there.
ALTER POLICY publisher ON event WITH CHECK (
    source = reader() AND EXISTS (
        SELECT FROM lane l WHERE l.id = event.lane AND l.source = event.source AND l.type = event.type
           AND l.about IS NULL AND NOT l.is_recalled
           AND (l.is_coarse OR l.jurisdictions = event.jurisdictions)));

CREATE OR REPLACE FUNCTION is_covered(id uuid) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM event e JOIN lane l ON l.id = e.lane
         WHERE e.hub_id = is_covered.id AND (
               e.source = reader()
            OR (is_answer(coalesce(l.about, l.type)) AND NOT l.is_recalled AND reader() = ANY(e.audience))
            OR EXISTS (SELECT FROM reader_way r JOIN way_lane w ON w.way = r.way AND w.lane = e.lane
                         JOIN open_source g ON g.id = r.way AND g.source = e.source
                        WHERE r.reader = reader() AND touch(g.jurisdictions, e.jurisdictions)
                          AND r.valid_from <= now() AND r.valid_until > now())));
END $$;

-- As before; what was taken back ends nothing.
CREATE OR REPLACE FUNCTION owe_closings(whom text, seen uuid[]) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    WITH noted AS (
        INSERT INTO owed (agency, position)
        SELECT DISTINCT whom, l.position
          FROM event e JOIN event c ON c.subject = e.subject AND c.source = e.source JOIN log l ON l.event = c.hub_id
         WHERE e.hub_id = ANY(seen) AND whom = coalesce(reader(), whom) AND c.type ~ '\.(cancelled|located|closed)$'
           AND c.recalled_at IS NULL
            ON CONFLICT DO NOTHING
        RETURNING position)
    SELECT count(*) FROM noted
$$;

-- As before, and who had received an event is owed what its source did to it.
-- Moves pending events into the log. The row lock on the lease orders leaders; holder, fence and clock are checked
-- under it, so a leader that was paused and wakes late finds itself deposed and changes nothing.
CREATE OR REPLACE FUNCTION assign_positions(me uuid, my_fence bigint, most int, lease_ms int)
RETURNS TABLE (assigned int, newest bigint, oldest_wait_s double precision) LANGUAGE plpgsql
-- The plans are made once, when the tables may still be empty, and must hold when they are not: by index, always.
SET enable_seqscan = off SET enable_bitmapscan = on SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    base bigint;
    is_fresh boolean;
    n int;
    waited double precision;
    batch uuid[];
    closings uuid[];
    changes uuid[];
    changed uuid[];
BEGIN
    -- A look that finds nothing writes nothing, so an idle node has no commits to flush; a lease half over is renewed.
    SELECT l.position, l.until > clock_timestamp() + make_interval(secs => lease_ms / 2000.0) INTO base, is_fresh
      FROM lease l WHERE l.name = 'sequencer' AND l.holder = me AND l.fence = my_fence;
    IF is_fresh AND NOT EXISTS (SELECT FROM pending) THEN
        RETURN QUERY SELECT 0, base, 0.0::double precision;
        RETURN;
    END IF;
    SELECT l.position INTO base FROM lease l
     WHERE l.name = 'sequencer' AND l.holder = me AND l.fence = my_fence AND l.until > clock_timestamp()
       FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposed' USING ERRCODE = 'PU001';
    END IF;
    WITH next AS (
        SELECT p.no FROM pending p ORDER BY p.no LIMIT most
    ), taken AS (
        DELETE FROM pending p USING next WHERE p.no = next.no
        RETURNING p.no, p.event, p.lane, p.is_kept, p.closes, p.since, p.is_offer, p.offer_grant, p.offer_reader, p.changed
    ), numbered AS (
        SELECT base + row_number() OVER (ORDER BY t.no) AS position, t.* FROM taken t
    ), placed AS (
        INSERT INTO log (position, event, lane)
        SELECT t.position, t.event, t.lane FROM numbered t WHERE NOT t.is_offer ORDER BY t.position
    ), offered AS (
        INSERT INTO offer (position, event, grant_id, reader)
        SELECT t.position, t.event, t.offer_grant, t.offer_reader FROM numbered t WHERE t.is_offer ORDER BY t.position
    ), opened AS (
        UPDATE event e SET offers = array_append(e.offers, t.offer_grant) FROM numbered t
         WHERE t.is_offer AND t.offer_reader IS NULL AND e.hub_id = t.event AND NOT t.offer_grant = ANY(e.offers)
    )
    SELECT count(*), extract(epoch FROM clock_timestamp() - min(t.since)),
           array_agg(t.event) FILTER (WHERE t.is_kept), array_agg(t.event) FILTER (WHERE t.closes),
           array_agg(t.event) FILTER (WHERE t.changed IS NOT NULL),
           array_agg(t.changed) FILTER (WHERE t.changed IS NOT NULL)
      INTO n, waited, batch, closings, changes, changed FROM taken t;
    IF batch IS NOT NULL THEN
        INSERT INTO subject_state AS s (source, subject, event, lane, "time", active_until, is_closed)
        SELECT DISTINCT ON (e.source, e.subject)
               e.source, e.subject, e.hub_id, e.lane, e."time", e.active_until,
               e.hub_id = ANY(coalesce(closings, '{}'))
          FROM unnest(batch) AS b (event) JOIN event e ON e.hub_id = b.event
         ORDER BY e.source, e.subject, e."time" DESC, e.hub_id = ANY(coalesce(closings, '{}')) DESC
            ON CONFLICT (source, subject) DO UPDATE
           SET (event, lane, "time", active_until, is_closed)
             = (excluded.event, excluded.lane, excluded."time", excluded.active_until, excluded.is_closed)
         WHERE excluded."time" > s."time" OR (excluded."time" = s."time" AND NOT s.is_closed);
        -- An update that was sent before the closing and arrives after it has lapsed already.
        UPDATE log l SET lapsed_at = clock_timestamp()
          FROM unnest(batch) AS b (event)
          JOIN event e ON e.hub_id = b.event
          JOIN subject_state s ON s.source = e.source AND s.subject = e.subject AND s.is_closed
         WHERE l.event = e.hub_id AND e."time" <= s."time";
    END IF;
    IF closings IS NOT NULL THEN
        -- What was public while the alert was active lapses with it, for the whole subject.
        UPDATE log l SET lapsed_at = clock_timestamp()
          FROM event c JOIN event e ON e.subject = c.subject AND e.source = c.source
         WHERE c.hub_id = ANY(closings) AND e."time" <= c."time" AND l.event = e.hub_id AND l.lapsed_at IS NULL;
        INSERT INTO owed (agency, position)
        SELECT DISTINCT a.agency, l.position
          FROM event c JOIN log l ON l.event = c.hub_id
          JOIN event e ON e.subject = c.subject AND e.source = c.source
          JOIN audit a ON a.events @> ARRAY[e.hub_id]
         WHERE c.hub_id = ANY(closings) AND a.is_allowed AND a.action = 'disclose' AND a.agency <> c.source
            ON CONFLICT DO NOTHING;
    END IF;
    IF changes IS NOT NULL THEN
        -- Who had received the event is owed the news of what became of it.
        INSERT INTO owed (agency, position)
        SELECT DISTINCT a.agency, l.position
          FROM unnest(changes, changed) AS c (event, about)
          JOIN log l ON l.event = c.event
          JOIN event e ON e.hub_id = c.event
          JOIN audit a ON a.events @> ARRAY[c.about]
         WHERE a.is_allowed AND a.action = 'disclose' AND a.agency <> e.source
            ON CONFLICT DO NOTHING;
    END IF;
    UPDATE lease l SET position = base + n, until = clock_timestamp() + make_interval(secs => lease_ms / 1000.0)
     WHERE l.name = 'sequencer';
    IF n > 0 THEN
        PERFORM pg_notify('log', (base + n)::text);
    END IF;
    RETURN QUERY SELECT n, base + n, coalesce(waited, 0.0);
END $$;
