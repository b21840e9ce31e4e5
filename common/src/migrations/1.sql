-- Version 1 of the schema. A later version is a further file; rows of an older DATA_DIR are kept.

CREATE TABLE queue (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,          -- <job> | <job>:<index> | <job>:finish
    job          TEXT    NOT NULL,
    lane         TEXT    NOT NULL,
    priority     INTEGER NOT NULL,                 -- 0 first
    state        TEXT    NOT NULL,                 -- queued | running | dead
    due_at       INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,       -- counted when claimed, so that crashes count
    max_attempts INTEGER NOT NULL,
    worker       TEXT,
    lease_until  INTEGER,
    payload      TEXT    NOT NULL,
    reason       TEXT                              -- why it is dead
);
CREATE INDEX queue_next ON queue (lane, priority, seq) WHERE state = 'queued';
CREATE INDEX queue_leases ON queue (lease_until) WHERE state = 'running';
CREATE INDEX queue_job ON queue (job);

CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    owner       TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    state       TEXT    NOT NULL,                  -- queued | running | finished | failed | cancelled
    fingerprint TEXT    NOT NULL,                  -- equal for calls that ask for the same
    work        TEXT    NOT NULL,
    outcome     TEXT,
    failure     TEXT,
    notes       TEXT,                              -- what a batch left out while it was planned
    created_at  INTEGER NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER
) WITHOUT ROWID;
CREATE INDEX jobs_ended ON jobs (finished_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_live ON jobs (owner, fingerprint) WHERE state IN ('queued', 'running');

CREATE TABLE batch_items (
    job       TEXT    NOT NULL,
    idx       INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    label     TEXT    NOT NULL,                    -- the source as a person reads it; a path is absolute, free of links
    dir       TEXT    NOT NULL,                    -- its folder below the one that was named
    status    TEXT    NOT NULL,                    -- pending | queued | running | ok | failed | skipped | cancelled
    output    TEXT,                                -- the name the result has, claimed before it is written
    image     TEXT,
    failure   TEXT,
    bytes_in  INTEGER NOT NULL DEFAULT 0,
    bytes_out INTEGER NOT NULL DEFAULT 0,
    sha256    TEXT,
    ms        INTEGER,
    PRIMARY KEY (job, idx)
) WITHOUT ROWID;
CREATE INDEX batch_items_status ON batch_items (job, status, idx);
CREATE INDEX batch_items_label ON batch_items (job, label);
CREATE UNIQUE INDEX batch_items_output ON batch_items (job, output) WHERE output IS NOT NULL;

CREATE TABLE images (
    id         TEXT PRIMARY KEY,
    owner      TEXT    NOT NULL,
    tool       TEXT    NOT NULL,
    job        TEXT    NOT NULL,
    parent     TEXT,
    source     TEXT,                               -- the path it was made from, as the caller named it
    name       TEXT    NOT NULL,
    blob       TEXT    NOT NULL,
    recipe     TEXT,
    facts      TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX images_by_owner ON images (owner, created_at, id);
CREATE INDEX images_by_parent ON images (parent) WHERE parent IS NOT NULL;

CREATE TABLE state (
    key        TEXT PRIMARY KEY,
    value      BLOB    NOT NULL,
    expires_at INTEGER
) WITHOUT ROWID;
