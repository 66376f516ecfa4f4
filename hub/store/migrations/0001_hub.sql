-- The whole of a node's memory. What is searched is a typed column; what is only handed out is text.

CREATE TABLE agency (
    id            text PRIMARY KEY CHECK (id ~ '^(us|mx)(-[a-z0-9]+){1,5}$'),
    name          text NOT NULL,
    kind          text NOT NULL,
    country       text NOT NULL CHECK (country IN ('US', 'MX')),
    jurisdictions text[] NOT NULL CHECK (cardinality(jurisdictions) > 0),
    publishes     text[] NOT NULL DEFAULT '{}',
    languages     text[] NOT NULL DEFAULT '{en}',
    standing      text NOT NULL DEFAULT 'active' CHECK (standing IN ('active', 'suspended', 'retired')),
    epoch         int NOT NULL DEFAULT 1,
    enrolled_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE credential (
    client_id      text PRIMARY KEY,
    agency         text NOT NULL REFERENCES agency,
    public_key_pem text NOT NULL,
    scopes         text[] NOT NULL,
    jurisdictions  text[] NOT NULL,
    expires_at     timestamptz,
    is_enabled     boolean NOT NULL DEFAULT true
);

-- A client assertion counts once (RFC 7523 section 3, "jti").
CREATE TABLE assertion_seen (
    client_id  text NOT NULL,
    jti        text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (client_id, jti)
);

-- Gateways keep the directory in memory and prove in each statement that it is still the current one.
CREATE TABLE directory (
    is_it   boolean PRIMARY KEY DEFAULT true CHECK (is_it),
    version bigint NOT NULL
);
INSERT INTO directory (version) VALUES (1);

CREATE FUNCTION directory_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE directory SET version = version + 1;
    PERFORM pg_notify('directory', '');
    RETURN NULL;
END $$;
CREATE TRIGGER agency_changed AFTER INSERT OR UPDATE OR DELETE ON agency
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER credential_changed AFTER INSERT OR UPDATE OR DELETE ON credential
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();

-- Events alike in everything the policy looks at (hub/lanes.py).
CREATE TABLE lane (
    id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text NOT NULL REFERENCES agency,
    type          text NOT NULL,
    status        text NOT NULL,
    tlp           smallint NOT NULL,
    jurisdictions text[] NOT NULL,
    rel_to        text[] NOT NULL,
    audience      text[],
    purpose       text,
    is_coarse     boolean NOT NULL,
    UNIQUE NULLS NOT DISTINCT (source, type, status, tlp, jurisdictions, rel_to, audience, purpose, is_coarse)
);

-- `text` is the canonical JSON of the event; `cuts` names, per projection, the ranges of it that a reader gets.
CREATE TABLE event (
    hub_id             uuid PRIMARY KEY DEFAULT uuidv7(),
    source             text NOT NULL,
    id                 text NOT NULL,
    type               text NOT NULL,
    subject            text NOT NULL,
    lane               int NOT NULL,
    jurisdictions      text[] NOT NULL,
    audience           text[] NOT NULL,
    "time"             timestamptz NOT NULL,
    digest             bytea NOT NULL,
    accepted_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    public_until       timestamptz,
    active_until       timestamptz,
    lapses             boolean NOT NULL,
    projection_version smallint NOT NULL,
    cuts               text NOT NULL,
    text               text NOT NULL,
    UNIQUE (source, id)
) WITH (toast_tuple_target = 8160); -- most events fit a page as they are: neither compressed nor moved aside
CREATE INDEX event_subject ON event (subject, source);

-- Committed, and not yet in the log: the sequencer's inbox.
CREATE TABLE pending (
    no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event   uuid NOT NULL,
    lane    int NOT NULL,
    is_kept boolean NOT NULL,
    closes  boolean NOT NULL,
    since   timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- The order of everything. Position order = commit order: one sequencer writes it.
CREATE TABLE log (
    position  bigint PRIMARY KEY,
    event     uuid NOT NULL UNIQUE,
    lane      int NOT NULL,
    lapsed_at timestamptz
) WITH (fillfactor = 90);
CREATE INDEX log_lane ON log (lane, position);

-- Where each alert and case stands: its newest event by the sender's time, and whether that one closed it.
CREATE TABLE subject_state (
    source       text NOT NULL,
    subject      text NOT NULL,
    event        uuid NOT NULL,
    lane         int NOT NULL,
    "time"       timestamptz NOT NULL,
    active_until timestamptz,
    is_closed    boolean NOT NULL,
    PRIMARY KEY (source, subject)
);
CREATE INDEX subject_open ON subject_state (lane) WHERE NOT is_closed;

-- One row per elected worker. `fence` rises with each holder; a late writer shows an old one and is refused.
CREATE TABLE lease (
    name     text PRIMARY KEY,
    holder   uuid,
    fence    bigint NOT NULL DEFAULT 0,
    until    timestamptz NOT NULL DEFAULT '-infinity',
    position bigint NOT NULL DEFAULT 0
);
INSERT INTO lease (name) VALUES ('sequencer'), ('relay'), ('feedback');

-- Who received an event of a subject is owed the news that it closed.
CREATE TABLE owed (
    agency   text NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (agency, position)
);

-- Decisions and disclosures. One entry per answer, naming each event and its projection.
CREATE TABLE audit (
    no          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    agency      text NOT NULL,
    client      text NOT NULL,
    action      text NOT NULL,
    is_allowed  boolean NOT NULL,
    reason      text NOT NULL,
    policy      text NOT NULL,
    purpose     text,
    object      text,
    events      uuid[],
    projections text[],
    grants      text[]
);
CREATE INDEX audit_events ON audit USING gin (events) WHERE events IS NOT NULL;
CREATE INDEX audit_agency ON audit (agency, no);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- What was refused, for its sender. `flaws` holds paths, codes and words, never values.
CREATE TABLE rejection (
    no        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    agency    text NOT NULL,
    channel   text NOT NULL CHECK (channel IN ('kafka', 'http')),
    topic     text,
    partition int,
    "offset"  bigint,
    event_id  text,
    sha256    bytea NOT NULL,
    code      text NOT NULL,
    flaws     text NOT NULL,
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX rejection_agency ON rejection (agency, no);

-- Kafka offsets live with the effects of the records they count.
CREATE TABLE kafka_offset (
    topic       text NOT NULL,
    partition   int NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE idempotency (
    agency      text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    status      smallint NOT NULL,
    body        text NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agency, key)
);

-- Moves pending events into the log. The row lock on the lease orders leaders; holder, fence and clock are checked
-- under it, so a leader that was paused and wakes late finds itself deposed and changes nothing.
CREATE FUNCTION assign_positions(me uuid, my_fence bigint, most int, lease_ms int)
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
        RETURNING p.no, p.event, p.lane, p.is_kept, p.closes, p.since
    ), placed AS (
        INSERT INTO log (position, event, lane)
        SELECT base + row_number() OVER (ORDER BY t.no), t.event, t.lane FROM taken t ORDER BY t.no
    )
    SELECT count(*), extract(epoch FROM clock_timestamp() - min(t.since)),
           array_agg(t.event) FILTER (WHERE t.is_kept), array_agg(t.event) FILTER (WHERE t.closes)
      INTO n, waited, batch, closings FROM taken t;
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
    UPDATE lease l SET position = base + n, until = clock_timestamp() + make_interval(secs => lease_ms / 1000.0)
     WHERE l.name = 'sequencer';
    IF n > 0 THEN
        PERFORM pg_notify('log', (base + n)::text);
    END IF;
    RETURN QUERY SELECT n, base + n, coalesce(waited, 0.0);
END $$;
