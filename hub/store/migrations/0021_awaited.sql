-- What an agency is shown of what it has yet to acknowledge: its own, for as long as an answer is waited for.
CREATE VIEW own_deadline WITH (security_barrier) AS
SELECT event, required_by FROM deadline WHERE agency = (SELECT reader()) AND state IN ('open', 'ended');
GRANT SELECT ON own_deadline TO puente_gateway;
CREATE INDEX deadline_awaited ON deadline (agency, required_by) WHERE state IN ('open', 'ended');
