-- One entry for many readers: a fan-out is one entry per event, projection and batch of readers, not one per reader.

-- Who got what the entry names; NULL: the agency of the entry itself, which otherwise is the node.
ALTER TABLE audit ADD COLUMN readers text[] CHECK (cardinality(readers) > 0 AND array_position(readers, NULL) IS NULL);

-- As before, and with the readers.
CREATE OR REPLACE FUNCTION audit_line(a audit, salt uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '{"action":' || to_json(a.action)
        || ',"agency":' || to_json(a.agency)
        || ',"at":"' || to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
        || ',"client":' || to_json(a.client)
        || coalesce(',"detail":' || to_json(a.detail), '')
        || coalesce(',"events":' || array_to_json(a.events), '')
        || coalesce(',"grants":' || array_to_json(a.grants), '')
        || ',"is_allowed":' || to_json(a.is_allowed)
        || ',"no":' || a.no
        || coalesce(',"object":' || to_json(a.object), '')
        || coalesce(',"person":' || to_json(a.person), '')
        || ',"policy":' || to_json(a.policy)
        || coalesce(',"projections":' || array_to_json(a.projections), '')
        || coalesce(',"purpose":' || to_json(a.purpose), '')
        || coalesce(',"readers":' || array_to_json(a.readers), '')
        || ',"reason":' || to_json(a.reason)
        || ',"salt":"' || salt || '"}'
$$;

-- As before, and readers of entries for many are owed what readers of their own are.
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
        SELECT DISTINCT r.agency, l.position
          FROM event c JOIN log l ON l.event = c.hub_id
          JOIN event e ON e.subject = c.subject AND e.source = c.source
          JOIN audit a ON a.events @> ARRAY[e.hub_id]
         CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
         WHERE c.hub_id = ANY(closings) AND a.is_allowed AND a.action = 'disclose' AND r.agency <> c.source
            ON CONFLICT DO NOTHING;
    END IF;
    IF changes IS NOT NULL THEN
        -- Who had received the event is owed the news of what became of it.
        INSERT INTO owed (agency, position)
        SELECT DISTINCT r.agency, l.position
          FROM unnest(changes, changed) AS c (event, about)
          JOIN log l ON l.event = c.event
          JOIN event e ON e.hub_id = c.event
          JOIN audit a ON a.events @> ARRAY[c.about]
         CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
         WHERE a.is_allowed AND a.action = 'disclose' AND r.agency <> e.source
            ON CONFLICT DO NOTHING;
    END IF;
    UPDATE lease l SET position = base + n, until = clock_timestamp() + make_interval(secs => lease_ms / 1000.0)
     WHERE l.name = 'sequencer';
    IF n > 0 THEN
        PERFORM pg_notify('log', (base + n)::text);
    END IF;
    RETURN QUERY SELECT n, base + n, coalesce(waited, 0.0);
END $$;
