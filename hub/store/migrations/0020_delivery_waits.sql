-- What waits of one subscription, which may have been told very much before.
CREATE INDEX delivery_waits ON delivery (subscription) WHERE state IN ('due', 'held');
