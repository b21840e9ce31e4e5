-- What calls of models cost: one row a job. Written before the call, so that no call is forgotten.
CREATE TABLE spend (
    job TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    tool TEXT NOT NULL,
    model TEXT NOT NULL,
    day TEXT NOT NULL,
    nanos INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX spend_owner_day ON spend (owner, day);
-- How a model made a picture, as JSON.
ALTER TABLE images ADD COLUMN by_model TEXT;
