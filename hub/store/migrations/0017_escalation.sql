-- Deadlines: which agency must acknowledge which event until when, and which step of its ladder comes next.

CREATE TABLE deadline (
    event        uuid NOT NULL,
    agency       text NOT NULL,
    position     bigint NOT NULL,                -- of the event
    ladder       text NOT NULL,                  -- its name, in the file
    is_urgent    boolean NOT NULL,
    required_by  timestamptz NOT NULL,
    state        text NOT NULL DEFAULT 'open'
                 CHECK (state IN ('open', 'acknowledged', 'declined', 'overtaken', 'ended')),
    step         smallint NOT NULL,              -- that comes next, from 0
    since        timestamptz NOT NULL,           -- when waiting for it began
    due_at       timestamptz NOT NULL,           -- when it comes
    escalated    smallint,                       -- the step that was taken last
    escalated_at timestamptz,
    closed_at    timestamptz,
    PRIMARY KEY (event, agency),
    CHECK ((state = 'open') = (closed_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX deadline_due ON deadline (due_at) WHERE state = 'open';
CREATE INDEX deadline_since ON deadline (since) WHERE state = 'open';

-- Which event an answer, a note or a control event is about; the text is canonical JSON, in which no text that somebody
-- wrote holds a bare quotation mark.
CREATE FUNCTION about_event(text text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT substring(text FROM '"event":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')::uuid
$$;
