-- What one agency has suspended or ended of a grant that goes on for others; reviews, owner by owner.

CREATE TABLE grant_part (
    grant_id text NOT NULL,
    agency   text NOT NULL REFERENCES agency,
    side     text NOT NULL CHECK (side IN ('source', 'reader')),
    state    text NOT NULL CHECK (state IN ('suspended', 'revoked')),
    since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    person   text NOT NULL REFERENCES person,
    reason   text NOT NULL,
    PRIMARY KEY (grant_id, agency, side)
);
CREATE TRIGGER grant_part_changed AFTER INSERT OR UPDATE OR DELETE ON grant_part
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();

-- An owner that a review has asked and that stays silent ends its own part at `confirm_until`, nobody else's.
ALTER TABLE grant_owner
    ADD COLUMN approved_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN confirmed_by  text REFERENCES person,
    ADD COLUMN confirmed_at  timestamptz,
    ADD COLUMN confirm_until timestamptz;

ALTER TABLE agreement
    ADD COLUMN drafted_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN suspended_by text REFERENCES person, -- whose side lets it go on again
    ADD COLUMN suspended_at timestamptz;            -- what was accepted since comes again when it resumes

CREATE INDEX access_grant_agreement ON access_grant (agreement);
CREATE INDEX subject_open_source ON subject_state (source, subject) WHERE NOT is_closed;
