-- Whose events were seen is read on from a cursor, so it needs an order in which nothing comes late: that of the leaves,
-- since an entry's number is given before it commits.

ALTER TABLE disclosed ADD COLUMN leaf bigint;
UPDATE disclosed d SET leaf = l.index FROM audit_leaf l WHERE l.no = d.no;
ALTER TABLE disclosed ALTER COLUMN leaf SET NOT NULL;
CREATE INDEX disclosed_leaf ON disclosed (source, leaf);

-- As before, with the leaf of each entry.
CREATE OR REPLACE FUNCTION note_disclosed(nos bigint[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = on SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_nestloop = on AS $$
DECLARE
    named_no bigint[];
    named_leaf bigint[];
    named uuid[];
    ids uuid[];
    sources text[];
BEGIN
    SELECT array_agg(a.no), array_agg(l.index), array_agg(x.event) INTO named_no, named_leaf, named
      FROM unnest(nos) AS t (no)
      JOIN audit a ON a.no = t.no AND a.action = 'disclose'
      JOIN audit_leaf l ON l.no = t.no
     CROSS JOIN LATERAL unnest(a.events) AS x (event);
    SELECT array_agg(e.hub_id), array_agg(e.source) INTO ids, sources
      FROM (SELECT DISTINCT x.event FROM unnest(named) AS x (event)) AS x
      JOIN event e ON e.hub_id = x.event;
    -- No table is read below, and lists are long of which a generic plan believes that they are short.
    PERFORM set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true);
    INSERT INTO disclosed (source, no, leaf)
    SELECT DISTINCT s.source, n.no, n.leaf
      FROM unnest(named_no, named_leaf, named) AS n (no, leaf, event)
      JOIN unnest(ids, sources) AS s (id, source) ON s.id = n.event
        ON CONFLICT DO NOTHING;
END $$;
