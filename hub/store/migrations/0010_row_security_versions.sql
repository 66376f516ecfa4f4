-- The second barrier follows versions and parts of grants as closely as the policy does: of each source its newest approved
-- version speaks (what earlier ones still open to it lies within that one: hub/versions.py), and nobody's whose part is
-- suspended or ended.

CREATE VIEW open_source AS
SELECT g.id, m.id AS source, g.types, g.jurisdictions, g.max_tlp
  FROM standing_grant g JOIN bound_agency m ON m.agreement = g.agreement
 WHERE (g.source_agency IS NULL OR g.source_agency = m.id) AND (g.source_kind IS NULL OR g.source_kind = m.kind)
   AND (g.source_country IS NULL OR g.source_country = m.country)
   AND NOT EXISTS (SELECT FROM grant_part t WHERE t.grant_id = g.id AND t.agency = m.id AND t.side = 'source')
   AND CASE WHEN g.is_imported
            THEN EXISTS (SELECT FROM access_grant c WHERE c.id = g.id AND c.version = g.version AND c.state = 'in_force')
            ELSE g.version = (SELECT max(o.version) FROM grant_owner o
                                JOIN standing_grant v ON v.id = o.grant_id AND v.version = o.version
                               WHERE o.grant_id = g.id AND o.agency = m.id) END;

CREATE OR REPLACE VIEW due_reader_way AS
SELECT m.id AS reader, g.id AS way, min(g.since) - interval '1 day' AS valid_from,
       max(g.until) + interval '1 day' AS valid_until
  FROM standing_grant g JOIN bound_agency m ON m.agreement = g.agreement
 WHERE (g.reader_agency IS NULL OR g.reader_agency = m.id) AND (g.reader_kind IS NULL OR g.reader_kind = m.kind)
   AND (g.reader_country IS NULL OR g.reader_country = m.country)
   AND NOT EXISTS (SELECT FROM grant_part t WHERE t.grant_id = g.id AND t.agency = m.id AND t.side = 'reader')
 GROUP BY m.id, g.id
UNION ALL
SELECT m.id, w.way, '-infinity', 'infinity' FROM agency m CROSS JOIN LATERAL (VALUES ('@'), ('@' || m.id)) AS w (way);

CREATE OR REPLACE VIEW due_way_lane AS
SELECT g.id AS way, l.id AS lane
  FROM open_source g JOIN lane l ON l.source = g.source
 WHERE l.tlp <= g.max_tlp AND covers_type(g.types, l.type) AND touch(g.jurisdictions, l.jurisdictions)
UNION
SELECT w.way, l.id
  FROM lane l CROSS JOIN LATERAL (
       SELECT '@' || l.source
        UNION ALL SELECT '@' || named.agency FROM unnest(l.audience) AS named (agency) WHERE starts_with(l.type, 'ack.')
        UNION ALL SELECT '@' WHERE starts_with(l.type, 'ack.') AND l.audience IS NULL) AS w (way);

CREATE OR REPLACE FUNCTION is_covered(id uuid) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM event e
         WHERE e.hub_id = is_covered.id AND (
               e.source = reader()
            OR (starts_with(e.type, 'ack.') AND reader() = ANY(e.audience))
            OR EXISTS (SELECT FROM reader_way r JOIN way_lane w ON w.way = r.way AND w.lane = e.lane
                         JOIN open_source g ON g.id = r.way AND g.source = e.source
                        WHERE r.reader = reader() AND touch(g.jurisdictions, e.jurisdictions)
                          AND r.valid_from <= now() AND r.valid_until > now())));
END $$;

CREATE FUNCTION part_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM retrace(ARRAY[coalesce(NEW.grant_id, OLD.grant_id)]);
    RETURN NULL;
END $$;
CREATE TRIGGER grant_part_ways AFTER INSERT OR UPDATE OR DELETE ON grant_part
    FOR EACH ROW EXECUTE FUNCTION part_changed();

DELETE FROM reader_way;
DELETE FROM way_lane;
INSERT INTO reader_way (reader, way, valid_from, valid_until)
SELECT d.reader, d.way, d.valid_from, d.valid_until FROM due_reader_way d;
INSERT INTO way_lane (way, lane) SELECT d.way, d.lane FROM due_way_lane d;
