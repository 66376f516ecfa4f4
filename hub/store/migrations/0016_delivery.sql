-- Delivery: who wants to be told of what and where, and each telling from when it is due to what became of it.

CREATE TABLE subscription (
    id            uuid PRIMARY KEY DEFAULT uuidv7(),
    agency        text NOT NULL REFERENCES agency (id),
    name          text NOT NULL,
    channel       text NOT NULL CHECK (channel IN ('webhook', 'email', 'kafka')),
    address       text NOT NULL CHECK ((channel = 'kafka') = (address = '')),
    filter        text NOT NULL,
    language      text NOT NULL CHECK (language IN ('en', 'es')),
    desk          text NOT NULL,
    quiet_from    time,
    quiet_until   time,
    quiet_zone    text,
    digest_at     time,                          -- of a daily mail in place of one for each event
    state         text NOT NULL CHECK (state IN ('pending', 'enabled', 'paused', 'disabled')),
    reason        text,                          -- why it is not enabled, a code
    -- What the token that made it narrowed its rights to: it never gets more.
    jurisdictions text[] NOT NULL,
    purpose       text,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    generation    int NOT NULL DEFAULT 1,        -- of its signing secrets, which are derived and stored nowhere
    rotated_at    timestamptz,
    nonce         uuid NOT NULL DEFAULT gen_random_uuid(), -- what a receiver answers to prove that the address is its own
    version       int NOT NULL DEFAULT 1,
    -- Senders divide the subscriptions among themselves by it; as many as schemas would ever run beside each other.
    part          smallint NOT NULL GENERATED ALWAYS AS (abs(uuid_hash(id) % 12)::smallint) STORED,
    CHECK ((quiet_from IS NULL) = (quiet_until IS NULL) AND (quiet_from IS NULL) = (quiet_zone IS NULL)),
    CHECK (digest_at IS NULL OR channel = 'email')
);
CREATE INDEX subscription_agency ON subscription (agency, id);

-- What changes with each telling is kept apart, since a row is written anew as a whole.
CREATE TABLE tally (
    subscription  uuid PRIMARY KEY REFERENCES subscription (id) ON DELETE CASCADE,
    seq           bigint NOT NULL DEFAULT 0,     -- of the last one that was made
    told_at       timestamptz,                   -- of the last one that arrived
    failing_since timestamptz,
    outcome       text                           -- of the last try
) WITH (fillfactor = 50);

CREATE TABLE delivery (
    no           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription uuid NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
    part         smallint NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('event', 'verification', 'heartbeat', 'notice')),
    seq          bigint,
    event        uuid REFERENCES event (hub_id),
    position     bigint,                         -- at which it came: in the log, or of its offer
    is_urgent    boolean NOT NULL,
    about        text,                           -- of a notice: its code and what it is about
    state        text NOT NULL DEFAULT 'due'
                 CHECK (state IN ('due', 'held', 'delivered', 'failed', 'overtaken', 'withdrawn')),
    tries        int NOT NULL DEFAULT 0,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at       timestamptz NOT NULL,           -- of one that is being tried: when it counts as lost with who tried
    ended_at     timestamptz,
    outcome      text,
    UNIQUE (subscription, seq),
    CHECK ((kind = 'event') = (event IS NOT NULL AND seq IS NOT NULL AND position IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX delivery_due ON delivery (part, due_at) WHERE state = 'due';
CREATE INDEX delivery_event ON delivery (event);

-- Senders and the dispatcher keep subscriptions in memory while this stands still.
CREATE TABLE subscribed (
    version bigint NOT NULL
);
INSERT INTO subscribed VALUES (1);
CREATE FUNCTION subscription_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE subscribed SET version = version + 1;
    PERFORM pg_notify('subscriptions', '');
    RETURN NULL;
END $$;
CREATE TRIGGER subscription_version AFTER INSERT OR UPDATE OR DELETE ON subscription
    FOR EACH STATEMENT EXECUTE FUNCTION subscription_changed();

INSERT INTO lease (name) VALUES ('dispatcher');
UPDATE lease SET position = (SELECT position FROM lease WHERE name = 'sequencer') WHERE name = 'dispatcher';
