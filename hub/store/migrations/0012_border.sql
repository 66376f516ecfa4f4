-- The other side of the border: the nodes that are trusted, by whose rules, what went to them and what came from them.

ALTER TABLE agency
    ADD COLUMN peer     text,                          -- the node that shows it to us; NULL: enrolled here
    ADD COLUMN is_shown boolean NOT NULL DEFAULT true, -- to the other side
    ADD COLUMN is_held  boolean NOT NULL DEFAULT false; -- shown by another node, and suspended or retired here

-- A trusted node, as the anchor says that somebody here has imported. A removed one stays: its events name it.
CREATE TABLE peer (
    node        text PRIMARY KEY CHECK (node ~ '^[a-z]{2}$'),
    country     text NOT NULL CHECK (country IN ('US', 'MX')),
    prefix      text NOT NULL UNIQUE CHECK (prefix ~ '^[a-z]{2}-$'), -- of the ids of its agencies
    url         text NOT NULL,
    authority   text NOT NULL,                                       -- PEM: who vouches for its TLS certificate
    anchor      text NOT NULL,                                       -- as it was signed
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'stopped', 'removed')),
    reason      text,                                                -- why it was stopped
    imported_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE peer_key (
    peer        text NOT NULL REFERENCES peer,
    kid         text NOT NULL,
    public_pem  text NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL CHECK (valid_until > valid_from),
    PRIMARY KEY (peer, kid)
);

-- How far both directions have come. One row a peer; written often, so no trigger hangs on it.
CREATE TABLE crossing (
    peer         text PRIMARY KEY REFERENCES peer,
    stream       uuid NOT NULL DEFAULT uuidv7(),        -- a new one begins when an operator starts over
    out_seq      bigint NOT NULL DEFAULT 0,
    out_hash     bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    position     bigint NOT NULL DEFAULT 0,             -- of our log, up to which releases were decided
    leaf         bigint NOT NULL DEFAULT 0,             -- of our audit, up to which reads were told
    receipted    bigint NOT NULL DEFAULT 0,             -- the sequence up to which the other side has answered
    receipted_at timestamptz,
    sent_at      timestamptz,
    their_policy text,
    their_rules  bigint,                                -- the version of our directory that it decides with
    directory    bigint NOT NULL DEFAULT 0,             -- the version of its signed directory that is held here
    skew_ms      int,                                   -- their clock minus ours, at the last receipt
    failed_at    timestamptz,
    failure      text,                                  -- code of what stood in the way last, if it still does
    in_stream    uuid,
    in_seq       bigint NOT NULL DEFAULT 0,
    in_hash      bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    heard_at     timestamptz                            -- when its last good batch came, an empty one included
);

-- What was sent, as it was signed, so that it can be sent again.
CREATE TABLE departure (
    peer         text NOT NULL REFERENCES peer,
    seq          bigint NOT NULL,
    kind         text NOT NULL,
    event        uuid,
    projections  text[] NOT NULL DEFAULT '{}', -- what of the event went out
    hash         bytea NOT NULL,
    head         text NOT NULL,
    body         text NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    receipted_at timestamptz,
    outcome      text,                         -- stored, known, narrowed, applied, or refused and why
    place        bigint,                       -- its position over there
    PRIMARY KEY (peer, seq)
);
CREATE INDEX departure_event ON departure (event, peer, seq) WHERE event IS NOT NULL;
CREATE INDEX departure_open ON departure (peer, seq) WHERE receipted_at IS NULL;
CREATE INDEX departure_unplaced ON departure (peer, seq) WHERE place IS NULL AND outcome IN ('stored', 'narrowed');

CREATE TABLE arrival (
    peer    text NOT NULL REFERENCES peer,
    seq     bigint NOT NULL,
    kind    text NOT NULL,
    event   uuid,
    hash    bytea NOT NULL,
    outcome text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (peer, seq)
);
CREATE INDEX arrival_event ON arrival (event) WHERE event IS NOT NULL;

-- Signed by who received: theirs for what we sent, ours for what they sent.
CREATE TABLE receipt (
    peer    text NOT NULL REFERENCES peer,
    is_ours boolean NOT NULL,
    first   bigint NOT NULL,
    last    bigint NOT NULL,
    signed  text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (peer, is_ours, first, last)
);

-- Of each lane, as what its events go to a peer; what a lane comes to be released as later is sent from its beginning.
CREATE TABLE lane_release (
    peer        text NOT NULL REFERENCES peer,
    lane        int NOT NULL,
    projections text[] NOT NULL,
    since       bigint NOT NULL DEFAULT 0, -- the sequence up to which what had gone no longer counts: it was closed
    next        bigint,                    -- where sending from the beginning goes on; NULL: it is done
    until       bigint,
    PRIMARY KEY (peer, lane)
);
CREATE INDEX lane_release_behind ON lane_release (peer, lane) WHERE next IS NOT NULL;

-- Rules as they were sent to a peer, by digest: a changed one is sent again, an ended one withdrawn.
CREATE TABLE sent_rule (
    peer   text NOT NULL REFERENCES peer,
    what   text NOT NULL CHECK (what IN ('grant', 'limits', 'keys')),
    id     text NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (peer, what, id)
);
-- Agencies of ours as a peer was told of them; it decides about those alone that it has confirmed.
CREATE TABLE shown_agency (
    peer     text NOT NULL REFERENCES peer,
    agency   text NOT NULL REFERENCES agency,
    kind     text NOT NULL,
    digest   bytea NOT NULL,
    seq      bigint NOT NULL,
    is_known boolean NOT NULL DEFAULT false,
    PRIMARY KEY (peer, agency)
);

-- The other side's rules about its events, as it sent them, and what it says its agencies have attested.
CREATE TABLE shown_attestation (
    agency      text NOT NULL REFERENCES agency,
    kind        text NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL
);
CREATE INDEX shown_attestation_agency ON shown_attestation (agency);
CREATE TRIGGER shown_attestation_changed AFTER INSERT OR UPDATE OR DELETE ON shown_attestation
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TABLE peer_limits (
    peer   text PRIMARY KEY REFERENCES peer,
    limits text NOT NULL -- JSON
);
CREATE TABLE released_grant (
    peer            text NOT NULL REFERENCES peer,
    id              text NOT NULL,
    no              int NOT NULL,
    standing        text NOT NULL, -- the whole grant, JSON
    source_agency   text,
    source_kind     text,
    source_country  text,
    reader_agency   text,
    reader_kind     text,
    reader_country  text,
    types           text[] NOT NULL,
    jurisdictions   text[] NOT NULL,
    max_tlp         smallint NOT NULL,
    sources         text[],        -- whose people stand behind it; NULL: every source it covers
    without_sources text[] NOT NULL,
    without_readers text[] NOT NULL,
    valid_from      timestamptz NOT NULL,
    valid_until     timestamptz NOT NULL,
    PRIMARY KEY (peer, id, no)
);

CREATE TRIGGER peer_changed AFTER INSERT OR UPDATE OR DELETE ON peer
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
-- Of an agency that the peer has yet to confirm, nothing is decided by it.
CREATE FUNCTION shown_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    matters boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        matters := EXISTS (SELECT FROM was WHERE was.is_known);
    ELSE
        matters := EXISTS (SELECT FROM was JOIN become b USING (peer, agency) WHERE was.is_known <> b.is_known);
    END IF;
    IF matters THEN
        UPDATE directory SET version = version + 1;
        PERFORM pg_notify('directory', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shown_agency_changed AFTER UPDATE ON shown_agency
    REFERENCING OLD TABLE AS was NEW TABLE AS become FOR EACH STATEMENT EXECUTE FUNCTION shown_changed();
CREATE TRIGGER shown_agency_gone AFTER DELETE ON shown_agency
    REFERENCING OLD TABLE AS was FOR EACH STATEMENT EXECUTE FUNCTION shown_changed();
CREATE TRIGGER peer_limits_changed AFTER INSERT OR UPDATE OR DELETE ON peer_limits
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER released_grant_changed AFTER INSERT OR UPDATE OR DELETE ON released_grant
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();

-- The second barrier knows released grants as it knows the node's own; their ways are named `node:grant`.
CREATE VIEW released_source AS
SELECT g.peer || ':' || g.id AS id, m.id AS source, g.types, g.jurisdictions, g.max_tlp
  FROM released_grant g JOIN agency m ON m.peer = g.peer
 WHERE (g.source_agency IS NULL OR g.source_agency = m.id) AND (g.source_kind IS NULL OR g.source_kind = m.kind)
   AND (g.source_country IS NULL OR g.source_country = m.country)
   AND (g.sources IS NULL OR m.id = ANY(g.sources)) AND NOT m.id = ANY(g.without_sources);

CREATE OR REPLACE VIEW open_source AS
SELECT g.id, m.id AS source, g.types, g.jurisdictions, g.max_tlp
  FROM standing_grant g JOIN bound_agency m ON m.agreement = g.agreement
 WHERE (g.source_agency IS NULL OR g.source_agency = m.id) AND (g.source_kind IS NULL OR g.source_kind = m.kind)
   AND (g.source_country IS NULL OR g.source_country = m.country)
   AND NOT EXISTS (SELECT FROM grant_part t WHERE t.grant_id = g.id AND t.agency = m.id AND t.side = 'source')
   AND CASE WHEN g.is_imported
            THEN EXISTS (SELECT FROM access_grant c WHERE c.id = g.id AND c.version = g.version AND c.state = 'in_force')
            ELSE g.version = (SELECT max(o.version) FROM grant_owner o
                                JOIN standing_grant v ON v.id = o.grant_id AND v.version = o.version
                               WHERE o.grant_id = g.id AND o.agency = m.id) END
UNION ALL
SELECT r.id, r.source, r.types, r.jurisdictions, r.max_tlp FROM released_source r;

CREATE OR REPLACE VIEW due_reader_way AS
SELECT m.id AS reader, g.id AS way, min(g.since) - interval '1 day' AS valid_from,
       max(g.until) + interval '1 day' AS valid_until
  FROM standing_grant g JOIN bound_agency m ON m.agreement = g.agreement
 WHERE (g.reader_agency IS NULL OR g.reader_agency = m.id) AND (g.reader_kind IS NULL OR g.reader_kind = m.kind)
   AND (g.reader_country IS NULL OR g.reader_country = m.country)
   AND NOT EXISTS (SELECT FROM grant_part t WHERE t.grant_id = g.id AND t.agency = m.id AND t.side = 'reader')
 GROUP BY m.id, g.id
UNION ALL
SELECT m.id, g.peer || ':' || g.id, min(g.valid_from) - interval '1 day', max(g.valid_until) + interval '1 day'
  FROM released_grant g JOIN agency m ON m.peer IS NULL
 WHERE (g.reader_agency IS NULL OR g.reader_agency = m.id) AND (g.reader_kind IS NULL OR g.reader_kind = m.kind)
   AND (g.reader_country IS NULL OR g.reader_country = m.country) AND NOT m.id = ANY(g.without_readers)
 GROUP BY m.id, g.peer, g.id
UNION ALL
SELECT m.id, w.way, '-infinity', 'infinity' FROM agency m CROSS JOIN LATERAL (VALUES ('@'), ('@' || m.id)) AS w (way);

CREATE FUNCTION released_ways_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM retrace(ARRAY[coalesce(NEW.peer, OLD.peer) || ':' || coalesce(NEW.id, OLD.id)]);
    RETURN NULL;
END $$;
CREATE TRIGGER released_grant_ways AFTER INSERT OR UPDATE OR DELETE ON released_grant
    FOR EACH ROW EXECUTE FUNCTION released_ways_changed();

GRANT SELECT ON peer, peer_key, peer_limits, released_grant, shown_agency, shown_attestation TO puente_gateway; -- their rules
GRANT SELECT ON crossing, departure, arrival TO puente_gateway;
ALTER TABLE departure ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE arrival ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY workers ON departure TO puente_worker USING (true) WITH CHECK (true);
CREATE POLICY workers ON arrival TO puente_worker USING (true) WITH CHECK (true);
-- Whether an event crossed is its source's to know.
CREATE POLICY own ON departure FOR SELECT TO puente_gateway USING (
    EXISTS (SELECT FROM event e WHERE e.hub_id = departure.event AND e.source = reader()));
