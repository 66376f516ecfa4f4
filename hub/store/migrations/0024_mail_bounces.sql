-- Since when a relay says that there is no such mailbox; nothing that has arrived since.
ALTER TABLE tally ADD COLUMN bounced_at timestamptz;
