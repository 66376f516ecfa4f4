-- Permissions as rows that people propose, approve and end: each change has a version, a person and an audit entry.

ALTER TABLE agency
    ADD COLUMN identifiers text[] NOT NULL DEFAULT '{}', -- scheme:value, e.g. ori:CA0371100
    ADD COLUMN duty_phone  text NOT NULL DEFAULT '',      -- of the desk, never of a person
    ADD COLUMN duty_email  text NOT NULL DEFAULT '',
    ADD COLUMN version     int NOT NULL DEFAULT 1;

-- Named people. They act; agencies and keys do not approve anything.
CREATE TABLE person (
    id           text PRIMARY KEY CHECK (id ~ '^(us|mx)(-[a-z0-9]+){1,5}\.[a-z0-9-]{2,40}$'),
    agency       text NOT NULL REFERENCES agency,
    name         text NOT NULL,
    roles        text[] NOT NULL CHECK (cardinality(roles) > 0),
    state        text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'active', 'disabled')),
    enrolled_by  text,
    confirmed_by text CHECK (confirmed_by <> enrolled_by),
    version      int NOT NULL DEFAULT 1,
    enrolled_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

ALTER TABLE credential ADD COLUMN person text REFERENCES person;

-- What an agency may publish, and where. The same life as a grant's: proposed, approved by another person, ended.
CREATE TABLE publish_right (
    id            text PRIMARY KEY,
    agency        text NOT NULL REFERENCES agency,
    types         text[] NOT NULL CHECK (cardinality(types) > 0),
    jurisdictions text[] NOT NULL CHECK (cardinality(jurisdictions) > 0),
    valid_from    timestamptz NOT NULL,
    valid_until   timestamptz NOT NULL CHECK (valid_until > valid_from),
    state         text NOT NULL CHECK (state IN ('proposed', 'in_force', 'suspended', 'revoked')),
    proposed_by   text,
    approved_by   text CHECK (approved_by <> proposed_by),
    reason        text,
    version       int NOT NULL DEFAULT 1
);
INSERT INTO publish_right (id, agency, types, jurisdictions, valid_from, valid_until, state)
SELECT id || '.enrolled', id, publishes, jurisdictions, '1970-01-01Z', '9999-01-01Z', 'in_force'
  FROM agency WHERE cardinality(publishes) > 0;
ALTER TABLE agency DROP COLUMN publishes;

-- The legal instrument that grants hang on. No row in agreement_party: open to every agency of the node.
CREATE TABLE agreement (
    id              text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{2,63}$'),
    title_en        text NOT NULL,
    title_es        text NOT NULL,
    legal_basis     text NOT NULL,
    document_sha256 bytea NOT NULL CHECK (octet_length(document_sha256) = 32),
    valid_from      timestamptz NOT NULL,
    valid_until     timestamptz NOT NULL CHECK (valid_until > valid_from),
    state           text NOT NULL CHECK (state IN ('draft', 'in_force', 'suspended', 'ended')),
    drafted_by      text,
    approved_by     text CHECK (approved_by <> drafted_by),
    reason          text,
    version         int NOT NULL DEFAULT 1
);
CREATE TABLE agreement_party (
    agreement text NOT NULL REFERENCES agreement,
    agency    text,
    kind      text,
    country   text,
    UNIQUE NULLS NOT DISTINCT (agreement, agency, kind, country),
    CHECK (num_nonnulls(agency, kind, country) > 0)
);

-- One row per version of a grant; the newest approved one counts, earlier ones are kept as they were.
CREATE TABLE access_grant (
    id             text NOT NULL CHECK (id ~ '^[a-z0-9][a-z0-9-]{2,63}$'),
    version        int NOT NULL DEFAULT 1,
    agreement      text NOT NULL REFERENCES agreement,
    source_agency  text,
    source_kind    text,
    source_country text,
    reader_agency  text,
    reader_kind    text,
    reader_country text,
    types          text[] NOT NULL,
    jurisdictions  text[] NOT NULL,
    purpose        text NOT NULL,
    max_tlp        smallint NOT NULL,
    clearance      smallint NOT NULL,
    requires       text[] NOT NULL DEFAULT '{}', -- attestations its readers must hold
    valid_from     timestamptz NOT NULL,
    valid_until    timestamptz NOT NULL CHECK (valid_until > valid_from),
    opens          text NOT NULL DEFAULT 'active' CHECK (opens IN ('now', 'active', 'since')),
    opens_since    timestamptz CHECK ((opens = 'since') = (opens_since IS NOT NULL)),
    state          text NOT NULL CHECK (state IN
                   ('proposed', 'in_force', 'suspended', 'revoked', 'withdrawn', 'superseded')),
    is_imported    boolean NOT NULL DEFAULT false, -- from a grants file: stands for every source it covers
    proposed_by    text,
    proposed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_by       text,
    ended_at       timestamptz,
    reason         text,
    confirmed_by   text,
    confirmed_at   timestamptz,
    confirm_until  timestamptz, -- an access review asks; unconfirmed, the grant ends then
    revision       int NOT NULL DEFAULT 1, -- of this row, for If-Match
    PRIMARY KEY (id, version),
    CHECK (num_nonnulls(source_agency, source_kind, source_country) > 0),
    CHECK (num_nonnulls(reader_agency, reader_kind, reader_country) > 0)
);
CREATE UNIQUE INDEX access_grant_current ON access_grant (id) WHERE state IN ('in_force', 'suspended');
CREATE UNIQUE INDEX access_grant_proposed ON access_grant (id) WHERE state = 'proposed';

-- A person of the owning side stands behind a version.
CREATE TABLE grant_approval (
    grant_id text NOT NULL,
    version  int NOT NULL,
    agency   text NOT NULL REFERENCES agency,
    person   text NOT NULL REFERENCES person,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (grant_id, version, person),
    FOREIGN KEY (grant_id, version) REFERENCES access_grant (id, version)
);

-- The sources that a version stands for: those with enough approvals. Events accepted before `events_from` stay shut,
-- unless they were offered.
CREATE TABLE grant_owner (
    grant_id    text NOT NULL,
    version     int NOT NULL,
    agency      text NOT NULL REFERENCES agency,
    events_from timestamptz NOT NULL,
    PRIMARY KEY (grant_id, version, agency),
    FOREIGN KEY (grant_id, version) REFERENCES access_grant (id, version)
);

CREATE TABLE attestation (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    agency          text NOT NULL REFERENCES agency,
    kind            text NOT NULL,
    valid_from      timestamptz NOT NULL,
    valid_until     timestamptz NOT NULL CHECK (valid_until > valid_from),
    document_sha256 bytea NOT NULL CHECK (octet_length(document_sha256) = 32),
    recorded_by     text NOT NULL REFERENCES person,
    withdrawn_by    text REFERENCES person,
    withdrawn_at    timestamptz,
    reason          text
);
CREATE INDEX attestation_agency ON attestation (agency, kind);

-- A victim's informed, written, time-limited consent (34 USC 12291(b)(2); 28 CFR 94.115). No name stands here: the
-- subject is the case's own opaque one.
CREATE TABLE consent (
    id           uuid PRIMARY KEY DEFAULT uuidv7(),
    source       text NOT NULL REFERENCES agency,
    subject      text NOT NULL,
    fields       text[] NOT NULL CHECK (cardinality(fields) > 0),     -- JSON pointers of protected members
    recipients   text[] NOT NULL CHECK (cardinality(recipients) > 0), -- agencies by name
    purpose      text NOT NULL,
    given_by     text NOT NULL,
    form_version text NOT NULL,
    language     text NOT NULL,
    signed_at    timestamptz NOT NULL,
    valid_until  timestamptz NOT NULL CHECK (valid_until > signed_at),
    withdrawn_at timestamptz,
    recorded_by  text NOT NULL REFERENCES person,
    withdrawn_by text REFERENCES person
);
CREATE INDEX consent_subject ON consent (source, subject);

CREATE TABLE review (
    id         uuid PRIMARY KEY DEFAULT uuidv7(),
    started_by text NOT NULL REFERENCES person,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at     timestamptz NOT NULL,
    grants     text[] NOT NULL
);

-- A right that opens late must not be missed: what it opens behind its readers' cursors comes again, at a new position.
CREATE TABLE offer (
    position bigint PRIMARY KEY,
    event    uuid NOT NULL,
    grant_id text,  -- everybody whom this grant lets read it; or
    reader   text,  -- this agency alone
    CHECK (num_nonnulls(grant_id, reader) > 0)
);
CREATE INDEX offer_grant ON offer (grant_id, position) WHERE reader IS NULL;
CREATE INDEX offer_reader ON offer (reader, position) WHERE reader IS NOT NULL;
CREATE INDEX offer_event ON offer (event);
ALTER TABLE event ADD COLUMN offers text[] NOT NULL DEFAULT '{}'; -- the grants it was offered under
ALTER TABLE pending
    ADD COLUMN is_offer     boolean NOT NULL DEFAULT false,
    ADD COLUMN offer_grant  text,
    ADD COLUMN offer_reader text;

ALTER TABLE audit
    ADD COLUMN person text,
    ADD COLUMN detail text; -- of an administrative act: what was, what is, who approved; never a person's data

CREATE TRIGGER person_changed AFTER INSERT OR UPDATE OR DELETE ON person
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER publish_right_changed AFTER INSERT OR UPDATE OR DELETE ON publish_right
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER agreement_changed AFTER INSERT OR UPDATE OR DELETE ON agreement
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER agreement_party_changed AFTER INSERT OR UPDATE OR DELETE ON agreement_party
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER access_grant_changed AFTER INSERT OR UPDATE OR DELETE ON access_grant
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER grant_owner_changed AFTER INSERT OR UPDATE OR DELETE ON grant_owner
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER attestation_changed AFTER INSERT OR UPDATE OR DELETE ON attestation
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER consent_changed AFTER INSERT OR UPDATE OR DELETE ON consent
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();

-- As before, and what is offered again takes a position of its own without being an event of its own.
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
        RETURNING p.no, p.event, p.lane, p.is_kept, p.closes, p.since, p.is_offer, p.offer_grant, p.offer_reader
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
