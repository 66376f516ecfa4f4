-- What consents of another node open of its events to agencies of this one. It is in no row of the event itself: here it
-- is shown by name, for as long as the consents hold and the origin is heard of, and nowhere else.

CREATE TABLE protected_copy (
    peer        text NOT NULL REFERENCES peer,
    event       uuid NOT NULL REFERENCES event,
    reader      text NOT NULL REFERENCES agency,
    projection  text NOT NULL,        -- in place of which it is shown
    consents    text[] NOT NULL CHECK (cardinality(consents) > 0), -- ids of the other node; all of them have to hold
    purposes    text[] NOT NULL,      -- of the consents; the reader must have the event for all of them
    text        text NOT NULL,
    valid_until timestamptz NOT NULL, -- the first of the consents ends
    fresh_s     int NOT NULL,         -- for how long after the last word of the other node it is shown
    PRIMARY KEY (event, reader, projection, consents)
);
CREATE INDEX protected_copy_reader ON protected_copy (peer, reader);
CREATE INDEX protected_copy_end ON protected_copy (valid_until);
ALTER TABLE protected_copy ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY workers ON protected_copy TO puente_worker USING (true) WITH CHECK (true);
CREATE POLICY own ON protected_copy FOR SELECT TO puente_gateway USING (protected_copy.reader = (SELECT reader()));
GRANT SELECT ON protected_copy TO puente_gateway;

-- To whom any of it may be open: gateways keep this in memory, so that nobody else's pages cost a look.
CREATE TABLE protected_reader (
    peer   text NOT NULL REFERENCES peer,
    reader text NOT NULL REFERENCES agency,
    PRIMARY KEY (peer, reader)
);
CREATE TRIGGER protected_reader_changed AFTER INSERT OR DELETE ON protected_reader
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
GRANT SELECT ON protected_reader TO puente_gateway;

-- Up to when we know what the other node had decided: not when it last spoke, since after an outage it begins with what
-- it had to say before.
ALTER TABLE crossing ADD COLUMN current_at timestamptz;

ALTER TABLE sent_rule
    DROP CONSTRAINT sent_rule_what_check,
    ADD CONSTRAINT sent_rule_what_check CHECK (what IN ('grant', 'limits', 'keys', 'consent'));
-- Consents that open something else by now than what was sent.
CREATE INDEX sent_rule_due ON sent_rule (peer) WHERE what = 'consent' AND digest = '';
