-- Alerts that go on, for whoever may read something of them: the newest event of an alert may be for fewer readers than
-- those before it, who must not lose the alert by it. Says which alerts, and nothing of what is in them; their events are
-- for the policies of their own tables to show.
CREATE FUNCTION open_alerts(of_status text, at timestamptz) RETURNS TABLE (source text, subject text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.source, s.subject FROM lane l JOIN subject_state s ON s.lane = l.id
     WHERE l.status = of_status AND starts_with(l.type, 'alert.')
       AND NOT s.is_closed AND (s.active_until IS NULL OR s.active_until > at)
$$;
REVOKE EXECUTE ON FUNCTION open_alerts(text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_alerts(text, timestamptz) TO puente_gateway;
