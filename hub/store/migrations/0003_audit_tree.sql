-- The audit as a Merkle log (RFC 6962). Writers of the audit know nothing of it: the notary follows them.

-- Every entry has one leaf, in an order of their own: numbers are given before entries commit. The salt keeps who is
-- shown a neighbour's hash, as every proof does, from finding out by trying what was hashed.
CREATE TABLE audit_leaf (
    index  bigint PRIMARY KEY CHECK (index >= 0),
    no     bigint NOT NULL UNIQUE,
    agency text NOT NULL,
    salt   uuid NOT NULL,
    hash   bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE INDEX audit_leaf_agency ON audit_leaf (agency, index);

-- Complete subtrees of 256 leaves (height 8), of 256 of these (16), and so on: what proofs are folded from.
CREATE TABLE audit_node (
    height smallint NOT NULL CHECK (height > 0 AND height % 8 = 0),
    index  bigint NOT NULL CHECK (index >= 0),
    hash   bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (height, index)
);

CREATE TABLE tree_head (
    size   bigint PRIMARY KEY CHECK (size > 0),
    root   bytea NOT NULL CHECK (octet_length(root) = 32),
    at     timestamptz NOT NULL,
    signed text NOT NULL
);

CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE ON audit_leaf
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_leaf_no_truncate BEFORE TRUNCATE ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_node_append_only BEFORE UPDATE OR DELETE ON audit_node
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_node_no_truncate BEFORE TRUNCATE ON audit_node
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER tree_head_append_only BEFORE UPDATE OR DELETE ON tree_head
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER tree_head_no_truncate BEFORE TRUNCATE ON tree_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- Numbers that were passed over and may still come: whoever took one had not committed. Forgotten once that cannot be:
-- every transaction that was under way then (below `horizon`) has ended.
CREATE TABLE audit_gap (
    first   bigint PRIMARY KEY,
    last    bigint NOT NULL CHECK (last >= first),
    since   timestamptz NOT NULL,
    horizon xid8 NOT NULL
);

-- Which entries name events of a source: "who saw mine", answered by an index.
CREATE TABLE disclosed (
    source text NOT NULL,
    no     bigint NOT NULL,
    PRIMARY KEY (source, no)
);

-- `position` is the highest number that was looked at.
INSERT INTO lease (name) VALUES ('notary');

-- The one text of an entry: canonical JSON (RFC 8785), one line. What is NULL is left out, so that a column that is
-- added later, and is NULL in what was written before, changes no earlier line.
CREATE FUNCTION audit_line(a audit, salt uuid) RETURNS text LANGUAGE sql STABLE AS $$
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
        || ',"reason":' || to_json(a.reason)
        || ',"salt":"' || salt || '"}'
$$;

-- Notes whose events these entries named. Pages of a moment name the same events, so each is looked up once.
CREATE FUNCTION note_disclosed(nos bigint[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = on SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_nestloop = on AS $$
DECLARE
    named_no bigint[];
    named uuid[];
    ids uuid[];
    sources text[];
BEGIN
    SELECT array_agg(a.no), array_agg(x.event) INTO named_no, named
      FROM unnest(nos) AS t (no)
      JOIN audit a ON a.no = t.no AND a.action = 'disclose'
     CROSS JOIN LATERAL unnest(a.events) AS x (event);
    SELECT array_agg(e.hub_id), array_agg(e.source) INTO ids, sources
      FROM (SELECT DISTINCT x.event FROM unnest(named) AS x (event)) AS x
      JOIN event e ON e.hub_id = x.event;
    -- No table is read below, and lists are long of which a generic plan believes that they are short.
    PERFORM set_config('enable_hashjoin', 'on', true), set_config('enable_nestloop', 'off', true);
    INSERT INTO disclosed (source, no)
    SELECT DISTINCT s.source, n.no
      FROM unnest(named_no, named) AS n (no, event) JOIN unnest(ids, sources) AS s (id, source) ON s.id = n.event
        ON CONFLICT DO NOTHING;
END $$;

-- Gives leaves to committed entries that have none: first those that came late, then what is new, in the order of their
-- numbers. The row lock on the lease orders leaders, as in `assign_positions`. The caller signs the head that the new
-- leaves make in the same transaction.
CREATE FUNCTION add_leaves(me uuid, my_fence bigint, most int, lease_ms int, settled_ms int)
RETURNS TABLE (leaf_index bigint, leaf_hash bytea) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = on SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    high bigint;
    is_fresh boolean;
    base bigint;
    settled bigint[];
    late bigint[];
    taken bigint[];
BEGIN
    -- A look that finds nothing writes nothing; a lease half over is renewed.
    SELECT l.position, l.until > clock_timestamp() + make_interval(secs => lease_ms / 2000.0) INTO high, is_fresh
      FROM lease l WHERE l.name = 'notary' AND l.holder = me AND l.fence = my_fence;
    IF is_fresh AND NOT EXISTS (SELECT FROM audit a WHERE a.no > high) AND NOT EXISTS (SELECT FROM audit_gap) THEN
        RETURN;
    END IF;
    SELECT l.position INTO high FROM lease l
     WHERE l.name = 'notary' AND l.holder = me AND l.fence = my_fence AND l.until > clock_timestamp()
       FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'deposed' USING ERRCODE = 'PU001';
    END IF;
    base := coalesce((SELECT max(l.index) + 1 FROM audit_leaf l), 0);
    -- Judged before the look at what came late, which thereby sees all that these gaps will ever hold. The time covers
    -- the moment between taking a number and becoming a transaction with an id, which are in one statement.
    settled := ARRAY(SELECT g.first FROM audit_gap g
                      WHERE g.horizon <= pg_snapshot_xmin(pg_current_snapshot())
                        AND g.since < clock_timestamp() - make_interval(secs => settled_ms / 1000.0));
    late := ARRAY(SELECT a.no FROM audit_gap g JOIN audit a ON a.no BETWEEN g.first AND g.last
                   WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.no = a.no) ORDER BY a.no LIMIT most);
    IF cardinality(late) < most THEN
        DELETE FROM audit_gap g WHERE g.first = ANY(settled);
    END IF;
    taken := ARRAY(SELECT a.no FROM audit a WHERE a.no > high ORDER BY a.no LIMIT most - cardinality(late));
    INSERT INTO audit_gap (first, last, since, horizon)
    SELECT n.before + 1, n.no - 1, clock_timestamp(), pg_snapshot_xmax(pg_current_snapshot())
      FROM (SELECT t.no, lag(t.no, 1, high) OVER (ORDER BY t.no) AS before FROM unnest(taken) AS t (no)) AS n
     WHERE n.no > n.before + 1;
    INSERT INTO audit_leaf (index, no, agency, salt, hash)
    SELECT base + n.place - 1, a.no, a.agency, n.salt,
           sha256('\x00'::bytea || convert_to(audit_line(a, n.salt), 'UTF8'))
      FROM (SELECT t.no, t.place, gen_random_uuid() AS salt
              FROM unnest(late || taken) WITH ORDINALITY AS t (no, place)) AS n
      JOIN audit a ON a.no = n.no;
    PERFORM note_disclosed(late || taken);
    UPDATE lease l SET position = greatest(high, taken[cardinality(taken)]),
                       until = clock_timestamp() + make_interval(secs => lease_ms / 1000.0)
     WHERE l.name = 'notary';
    RETURN QUERY SELECT l.index, l.hash FROM audit_leaf l WHERE l.index >= base ORDER BY l.index;
END $$;
