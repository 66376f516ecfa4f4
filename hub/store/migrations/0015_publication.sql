-- What the agency that stands for the public was given as a CAP document: so that an end can name what it ends, and what
-- is gone can be called gone. It holds no text: that is made from the event for as long as it is public.
CREATE TABLE publication (
    agency   text NOT NULL REFERENCES agency,
    event    uuid NOT NULL,
    source   text NOT NULL,
    subject  text NOT NULL,
    status   text NOT NULL,
    position bigint NOT NULL,                          -- in the log, as the agency was shown it
    sent     text NOT NULL,                            -- a third of the document's identity, with sender and identifier
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (agency, event)
);
CREATE INDEX publication_subject ON publication (agency, source, subject, position);
CREATE INDEX publication_end ON publication (agency, ended_at);
ALTER TABLE publication ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY workers ON publication TO puente_worker USING (true) WITH CHECK (true);
CREATE POLICY own ON publication TO puente_gateway USING (agency = (SELECT reader())) WITH CHECK (agency = (SELECT reader()));
GRANT SELECT, INSERT, UPDATE (ended_at) ON publication TO puente_gateway;
