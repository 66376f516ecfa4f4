-- The second barrier: a gateway works as a role that sees only the rows that some right of the asking agency covers,
-- whatever its statements say. It is worked out here from grants and lanes by themselves (`reach`), not from the list of
-- lanes that the gateway passes. It is laxer than the policy (when an event was accepted, purposes, consents,
-- attestations and hard limits stay with `may_read`) and never stricter. Workers go on as the owner. The roles are made
-- beforehand (hub/store/roles.py).

-- Whom a gateway answers; NULL is nobody. A setting that was made and undone is '', not NULL.
CREATE FUNCTION reader() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT nullif(current_setting('puente.reader', true), '')
$$;

-- `touches` of schemas/places.py: one of two places contains the other.
CREATE FUNCTION touch(places text[], others text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT EXISTS (
        SELECT FROM unnest(places) AS a (code), unnest(others) AS b (code)
         WHERE a.code = b.code
            OR (starts_with(b.code, a.code) AND substr(b.code, length(a.code) + 1, 1) IN ('-', ':'))
            OR (starts_with(a.code, b.code) AND substr(a.code, length(b.code) + 1, 1) IN ('-', ':')))
$$;

-- `covers_type` of hub/grants.py.
CREATE FUNCTION covers_type(patterns text[], type text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT EXISTS (
        SELECT FROM unnest(patterns) AS p (pattern)
         WHERE p.pattern IN ('*', type)
            OR (right(p.pattern, 2) = '.*' AND starts_with(type, left(p.pattern, -1))))
$$;

-- Two halves that meet in `reach`: a reader has ways, and a way leads to lanes. A way is a grant in force, by its id;
-- or an agency itself ('@' before its id), which leads to what it sent and to what answers it; or '@', which everybody
-- has and which leads to answers in lanes that do not say to whom. So nothing is kept per reader and lane. A grant's
-- times are taken a day wider than they are: they are the policy's to keep, by the gateway's clock, and two clocks that
-- differ must not make this side the stricter one.
CREATE TABLE reader_way (
    reader      text NOT NULL,
    way         text NOT NULL,
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    PRIMARY KEY (reader, way)
);
CREATE INDEX reader_way_way ON reader_way (way);
CREATE TABLE way_lane (
    way  text NOT NULL,
    lane int NOT NULL,
    PRIMARY KEY (way, lane)
);
CREATE INDEX way_lane_lane ON way_lane (lane);

-- What the two must hold.
CREATE VIEW standing_grant AS
SELECT g.id, g.version, g.agreement, g.source_agency, g.source_kind, g.source_country, g.reader_agency, g.reader_kind,
       g.reader_country, g.types, g.jurisdictions, g.max_tlp, g.is_imported,
       greatest(g.valid_from, a.valid_from) AS since,
       least(g.valid_until, a.valid_until, coalesce(g.confirm_until, g.valid_until)) AS until
  FROM access_grant g JOIN agreement a ON a.id = g.agreement
 WHERE g.state IN ('in_force', 'superseded') AND a.state = 'in_force' -- an earlier version may speak on (hub/versions.py)
   AND EXISTS (SELECT FROM access_grant c WHERE c.id = g.id AND c.state = 'in_force');

CREATE VIEW bound_agency AS
SELECT a.id AS agreement, m.id, m.kind, m.country
  FROM agreement a CROSS JOIN agency m
 WHERE NOT EXISTS (SELECT FROM agreement_party p WHERE p.agreement = a.id)
    OR EXISTS (SELECT FROM agreement_party p
                WHERE p.agreement = a.id AND (p.agency IS NULL OR p.agency = m.id)
                  AND (p.kind IS NULL OR p.kind = m.kind) AND (p.country IS NULL OR p.country = m.country));

CREATE VIEW due_reader_way AS
SELECT m.id AS reader, g.id AS way, min(g.since) - interval '1 day' AS valid_from,
       max(g.until) + interval '1 day' AS valid_until
  FROM standing_grant g JOIN bound_agency m ON m.agreement = g.agreement
 WHERE (g.reader_agency IS NULL OR g.reader_agency = m.id) AND (g.reader_kind IS NULL OR g.reader_kind = m.kind)
   AND (g.reader_country IS NULL OR g.reader_country = m.country)
 GROUP BY m.id, g.id
UNION ALL
SELECT m.id, w.way, '-infinity', 'infinity' FROM agency m CROSS JOIN LATERAL (VALUES ('@'), ('@' || m.id)) AS w (way);

CREATE VIEW due_way_lane AS
SELECT g.id AS way, l.id AS lane
  FROM standing_grant g JOIN bound_agency m ON m.agreement = g.agreement JOIN lane l ON l.source = m.id
 WHERE (g.source_agency IS NULL OR g.source_agency = m.id) AND (g.source_kind IS NULL OR g.source_kind = m.kind)
   AND (g.source_country IS NULL OR g.source_country = m.country)
   AND (g.is_imported OR EXISTS (SELECT FROM grant_owner o
                                  WHERE o.grant_id = g.id AND o.version = g.version AND o.agency = m.id))
   AND l.tlp <= g.max_tlp AND covers_type(g.types, l.type) AND touch(g.jurisdictions, l.jurisdictions)
UNION
SELECT w.way, l.id
  FROM lane l CROSS JOIN LATERAL (
       SELECT '@' || l.source
        UNION ALL SELECT '@' || named.agency FROM unnest(l.audience) AS named (agency) WHERE starts_with(l.type, 'ack.')
        UNION ALL SELECT '@' WHERE starts_with(l.type, 'ack.') AND l.audience IS NULL) AS w (way);

-- Each change brings them up to date in its own transaction. Changes take turns by the lock, and what an earlier one did
-- is committed before the views are looked at, so a new grant and a new lane cannot miss each other. The row of
-- `directory` comes first, as it does in every other change of the rules: nobody waits for somebody who waits for him.
CREATE FUNCTION take_turns() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM directory FOR UPDATE;
    LOCK TABLE way_lane IN SHARE ROW EXCLUSIVE MODE;
END $$;

CREATE FUNCTION retrace(grants text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM take_turns();
    DELETE FROM reader_way r WHERE r.way = ANY(grants);
    DELETE FROM way_lane w WHERE w.way = ANY(grants);
    INSERT INTO reader_way (reader, way, valid_from, valid_until)
    SELECT d.reader, d.way, d.valid_from, d.valid_until FROM due_reader_way d WHERE d.way = ANY(grants);
    INSERT INTO way_lane (way, lane)
    SELECT d.way, d.lane FROM due_way_lane d WHERE d.way = ANY(grants);
END $$;

CREATE FUNCTION retrace_agency(changed text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    theirs int[];
BEGIN
    PERFORM take_turns();
    theirs := ARRAY(SELECT l.id FROM lane l WHERE l.source = changed);
    DELETE FROM reader_way r WHERE r.reader = changed;
    DELETE FROM way_lane w WHERE w.lane = ANY(theirs);
    INSERT INTO reader_way (reader, way, valid_from, valid_until)
    SELECT d.reader, d.way, d.valid_from, d.valid_until FROM due_reader_way d WHERE d.reader = changed;
    INSERT INTO way_lane (way, lane)
    SELECT d.way, d.lane FROM due_way_lane d WHERE d.lane = ANY(theirs);
END $$;

CREATE FUNCTION ways_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'lane' THEN
        LOCK TABLE way_lane IN SHARE ROW EXCLUSIVE MODE;
        INSERT INTO way_lane (way, lane)
        SELECT d.way, d.lane FROM due_way_lane d WHERE d.lane = NEW.id;
    ELSIF TG_TABLE_NAME = 'agency' THEN
        PERFORM retrace_agency(NEW.id);
    ELSIF TG_TABLE_NAME = 'access_grant' THEN
        PERFORM retrace(ARRAY[coalesce(NEW.id, OLD.id)]);
    ELSIF TG_TABLE_NAME = 'grant_owner' THEN
        PERFORM retrace(ARRAY[coalesce(NEW.grant_id, OLD.grant_id)]);
    ELSIF TG_TABLE_NAME = 'agreement' THEN
        PERFORM retrace(ARRAY(SELECT g.id FROM access_grant g WHERE g.agreement = NEW.id));
    ELSIF TG_TABLE_NAME = 'agreement_party' THEN
        PERFORM retrace(ARRAY(SELECT g.id FROM access_grant g
                               WHERE g.agreement = coalesce(NEW.agreement, OLD.agreement)));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER lane_ways AFTER INSERT ON lane FOR EACH ROW EXECUTE FUNCTION ways_changed();
CREATE TRIGGER agency_joins AFTER INSERT ON agency FOR EACH ROW EXECUTE FUNCTION ways_changed();
CREATE TRIGGER agency_ways AFTER UPDATE ON agency FOR EACH ROW
    WHEN ((OLD.kind, OLD.country) IS DISTINCT FROM (NEW.kind, NEW.country)) EXECUTE FUNCTION ways_changed();
CREATE TRIGGER access_grant_ways AFTER INSERT OR UPDATE OR DELETE ON access_grant
    FOR EACH ROW EXECUTE FUNCTION ways_changed();
CREATE TRIGGER grant_owner_ways AFTER INSERT OR UPDATE OR DELETE ON grant_owner
    FOR EACH ROW EXECUTE FUNCTION ways_changed();
CREATE TRIGGER agreement_ways AFTER UPDATE ON agreement FOR EACH ROW EXECUTE FUNCTION ways_changed();
CREATE TRIGGER agreement_party_ways AFTER INSERT OR UPDATE OR DELETE ON agreement_party
    FOR EACH ROW EXECUTE FUNCTION ways_changed();

INSERT INTO reader_way (reader, way, valid_from, valid_until)
SELECT d.reader, d.way, d.valid_from, d.valid_until FROM due_reader_way d;
INSERT INTO way_lane (way, lane) SELECT d.way, d.lane FROM due_way_lane d;

-- The lanes that are open to the reader.
CREATE VIEW reach WITH (security_invoker = true) AS
SELECT w.lane FROM reader_way r JOIN way_lane w ON w.way = r.way
 WHERE r.reader = reader() AND r.valid_from <= now() AND r.valid_until > now();

-- The closings that each reader is owed, whatever its rights are by now. The view reads the log as its owner: what a
-- gateway sees through it is decided here.
CREATE VIEW owed_closing WITH (security_barrier = true) AS
SELECT o.agency, o.position, l.event, l.lapsed_at
  FROM owed o JOIN log l ON l.position = o.position
 WHERE o.agency = reader() OR current_user <> 'puente_gateway';

-- What was offered anew, likewise; the event itself is for the policy of its own table to show.
CREATE VIEW offered WITH (security_barrier = true) AS
SELECT o.position, o.event, o.grant_id, o.reader, l.lapsed_at
  FROM offer o JOIN log l ON l.event = o.event
 WHERE o.reader = reader() OR current_user <> 'puente_gateway'
    OR (o.reader IS NULL AND split_part(o.grant_id, '@', 1) IN (SELECT r.way FROM reader_way r WHERE r.reader = reader()));

-- Who gets an event of a subject that has closed is owed the closing, which it may be unable to see. The caller passes
-- what it can see; a gateway passes nothing in another's name.
CREATE FUNCTION owe_closings(whom text, seen uuid[]) RETURNS bigint LANGUAGE sql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    WITH noted AS (
        INSERT INTO owed (agency, position)
        SELECT DISTINCT whom, l.position
          FROM event e JOIN event c ON c.subject = e.subject AND c.source = e.source JOIN log l ON l.event = c.hub_id
         WHERE e.hub_id = ANY(seen) AND whom = coalesce(reader(), whom) AND c.type ~ '\.(cancelled|located|closed)$'
            ON CONFLICT DO NOTHING
        RETURNING position)
    SELECT count(*) FROM noted
$$;

-- Tells the audit of a refusal what no answer tells: whether there was anything to refuse.
CREATE FUNCTION is_event(id uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM event e WHERE e.hub_id = is_event.id)
$$;

-- A lane's facts are laxer than an event's where it is coarse: there, the event's own are looked at.
CREATE FUNCTION is_covered(id uuid) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM event e
         WHERE e.hub_id = is_covered.id AND (
               e.source = reader()
            OR (starts_with(e.type, 'ack.') AND reader() = ANY(e.audience))
            OR EXISTS (SELECT FROM reader_way r JOIN way_lane w ON w.way = r.way AND w.lane = e.lane
                         JOIN standing_grant g ON g.id = r.way
                        WHERE r.reader = reader() AND touch(g.jurisdictions, e.jurisdictions)
                          AND r.valid_from <= now() AND r.valid_until > now())));
END $$;

CREATE FUNCTION is_owed(id uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM owed_closing o WHERE o.agency = reader() AND o.event = is_owed.id);
END $$;

DO $$
DECLARE
    held text;
BEGIN
    FOREACH held IN ARRAY ARRAY['event', 'log', 'subject_state', 'offer', 'owed', 'audit', 'rejection', 'idempotency'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', held);
        EXECUTE format('CREATE POLICY workers ON %I TO puente_worker USING (true) WITH CHECK (true)', held);
    END LOOP;
END $$;

-- What is only asked of few rows is a function: as part of a policy its plan would be set up anew for each statement,
-- once for each mention of the table. An event with one place and no audience is in no coarse lane.
CREATE POLICY readers ON event FOR SELECT TO puente_gateway USING (
    source = (SELECT reader())
    OR (lane IN (SELECT r.lane FROM reach r)
        AND ((cardinality(jurisdictions) = 1 AND cardinality(audience) = 0)
             OR (SELECT NOT l.is_coarse FROM lane l WHERE l.id = event.lane) OR is_covered(hub_id)))
    OR is_owed(hub_id));
-- An event is put where its own facts belong, or it would be shown by those of another.
CREATE POLICY publisher ON event FOR INSERT TO puente_gateway WITH CHECK (
    source = reader() AND EXISTS (
        SELECT FROM lane l WHERE l.id = event.lane AND l.source = event.source AND l.type = event.type
           AND (l.is_coarse OR l.jurisdictions = event.jurisdictions)));
-- A place in the log says nothing but its lane, and is judged by that.
CREATE POLICY readers ON log FOR SELECT TO puente_gateway USING (lane IN (SELECT r.lane FROM reach r));
CREATE POLICY readers ON subject_state FOR SELECT TO puente_gateway USING (
    lane IN (SELECT r.lane FROM reach r)
    AND ((SELECT NOT l.is_coarse FROM lane l WHERE l.id = subject_state.lane) OR is_covered(event)));
CREATE POLICY readers ON offer FOR SELECT TO puente_gateway USING (
    offer.reader = reader()
    OR (offer.reader IS NULL AND split_part(grant_id, '@', 1) IN ( -- the version of a grant, `id@version`
        SELECT r.way FROM reader_way r WHERE r.reader = reader())));
CREATE POLICY own ON owed FOR SELECT TO puente_gateway USING (agency = reader());
CREATE POLICY own ON audit FOR INSERT TO puente_gateway WITH CHECK (agency = reader());
-- The node's auditor reads all of it; that it is the auditor who asks for the operator is for `hub.tree.whose` to say.
CREATE POLICY readers ON audit FOR SELECT TO puente_gateway USING (
    agency = (SELECT reader()) OR (SELECT m.kind = 'operator' FROM agency m WHERE m.id = reader()));
CREATE POLICY own ON rejection TO puente_gateway USING (agency = reader()) WITH CHECK (agency = reader());
CREATE POLICY own ON idempotency TO puente_gateway USING (agency = reader()) WITH CHECK (agency = reader());

DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO puente_gateway', current_schema());
END $$;

-- What a gateway works with, and no more. Of events, log and audit nothing is ever changed or removed by it.
GRANT SELECT, INSERT ON event, rejection TO puente_gateway;
GRANT SELECT ON log, subject_state, offer, owed, reader_way, way_lane, reach, owed_closing, offered TO puente_gateway;
GRANT INSERT ON pending TO puente_gateway;
GRANT SELECT, INSERT ON audit TO puente_gateway;
GRANT SELECT ON audit_leaf, audit_node, tree_head TO puente_gateway; -- hashes, which proofs of others are made of
GRANT SELECT, INSERT, DELETE ON idempotency, assertion_seen TO puente_gateway;
GRANT SELECT ON directory TO puente_gateway;
GRANT SELECT, INSERT, MAINTAIN ON lane TO puente_gateway; -- MAINTAIN is what LOCK TABLE asks for
-- Its administrators' requests change these; a trigger moves the directory's version on.
GRANT SELECT, INSERT, UPDATE ON agency, person, credential, publish_right, agreement, agreement_party, access_grant,
      grant_approval, grant_owner, attestation, consent, review TO puente_gateway;
GRANT DELETE ON publish_right, agreement_party TO puente_gateway;
ALTER FUNCTION directory_changed() SECURITY DEFINER SET search_path = public, pg_temp;
REVOKE EXECUTE ON FUNCTION owe_closings(text, uuid[]), is_event(uuid), is_covered(uuid), take_turns(), retrace(text[]), retrace_agency(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION owe_closings(text, uuid[]), is_event(uuid), is_covered(uuid) TO puente_gateway;
