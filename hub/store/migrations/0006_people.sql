-- People enrol, confirm and cut off one another; their keys and the agencies' have versions and ends.

ALTER TABLE person
    ADD COLUMN wanted_roles text[] NOT NULL DEFAULT '{}', -- what a second person is still to confirm
    ADD COLUMN wanted_by    text,
    ADD COLUMN epoch        int NOT NULL DEFAULT 0;       -- rises with the key: earlier tokens of the person are void

ALTER TABLE credential
    ADD COLUMN version int NOT NULL DEFAULT 1;
CREATE INDEX credential_agency ON credential (agency, client_id);
CREATE INDEX publish_right_agency ON publish_right (agency, id);

-- What was warned of: each threshold before an end once.
CREATE TABLE reminder (
    what    text NOT NULL,
    agency  text NOT NULL,
    id      text NOT NULL,
    ends_at timestamptz NOT NULL,
    days    int NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (what, agency, id, ends_at, days)
);
INSERT INTO lease (name) VALUES ('keeper');
