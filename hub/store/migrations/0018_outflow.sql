-- What agencies that prefer Kafka find in topics of their own; and secrets, for stock clients that can hold no key.

-- An agency has one topic, so one wish says what is in it.
CREATE UNIQUE INDEX subscription_topic ON subscription (agency) WHERE channel = 'kafka';

-- Where in the log it begins: it is told what comes from when it is made, or enabled after it was disabled.
ALTER TABLE subscription ADD COLUMN since bigint;
CREATE FUNCTION subscription_begins() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.since := (SELECT position FROM lease WHERE name = 'sequencer');
    RETURN NEW;
END $$;
CREATE TRIGGER subscription_made BEFORE INSERT ON subscription FOR EACH ROW
    WHEN (NEW.channel = 'kafka') EXECUTE FUNCTION subscription_begins();
CREATE TRIGGER subscription_enabled BEFORE UPDATE OF state ON subscription FOR EACH ROW
    WHEN (NEW.channel = 'kafka' AND OLD.state = 'disabled' AND NEW.state <> 'disabled')
    EXECUTE FUNCTION subscription_begins();

-- open: its agency may read it. closing: something there may not be read any more, and all of it is being deleted.
-- closed: it is empty, and stays so for as long as nothing may be read by it.
CREATE TABLE out_topic (
    agency       text PRIMARY KEY REFERENCES agency (id),
    subscription uuid NOT NULL,                   -- no reference: what it has put there outlives it for a moment
    state        text NOT NULL DEFAULT 'closing' CHECK (state IN ('open', 'closing', 'closed')),
    position     bigint,                          -- how far in the log; NULL: what comes meanwhile is passed over
    seq          bigint NOT NULL DEFAULT 0,       -- of the last record that was put on record
    sent         bigint NOT NULL DEFAULT 0        -- of the last one that the broker is known to have
);

-- What is in the topics, or is on its way there. `digest` is keyed: that of a name and a birthday would be as good as both.
CREATE TABLE out_record (
    agency   text NOT NULL REFERENCES out_topic (agency) ON DELETE CASCADE,
    seq      bigint NOT NULL,
    event    uuid NOT NULL,
    position bigint NOT NULL,                     -- at which it came: in the log, or of its offer
    digest   bytea NOT NULL,                      -- of what its reader gets of the event
    since    timestamptz NOT NULL DEFAULT now(), -- when it was written first
    made_at  timestamptz NOT NULL DEFAULT now(),  -- and when it was written again
    PRIMARY KEY (agency, seq)
);
CREATE INDEX out_record_made ON out_record (made_at);

INSERT INTO lease (name) VALUES ('outflow');

-- What a stock client shows in place of an assertion by its key: 256 random bits, of which this is the SHA-256.
CREATE TABLE credential_secret (
    client_id text PRIMARY KEY REFERENCES credential ON DELETE CASCADE,
    digest    bytea NOT NULL CHECK (octet_length(digest) = 32),
    made_at   timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON credential_secret TO puente_gateway;
