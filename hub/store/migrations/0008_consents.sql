-- What a consent rests on besides its text: who signed is attested not to be the abuser (34 USC 12291(b)(2)(B)(ii)).

ALTER TABLE consent
    ADD COLUMN not_abuser_attested boolean NOT NULL CHECK (not_abuser_attested),
    ADD COLUMN recorded_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL));
