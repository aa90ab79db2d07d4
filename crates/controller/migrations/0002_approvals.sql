CREATE TABLE approval (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    run              INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    subject          TEXT NOT NULL,        -- the extension's name
    extension_sha256 TEXT NOT NULL,
    device           TEXT NOT NULL,
    durable_id       TEXT NOT NULL,
    fstype           TEXT NOT NULL,
    size_bytes       INTEGER NOT NULL,
    role             TEXT NOT NULL,
    contents         TEXT NOT NULL,        -- what the agent has found on the disk
    nonce            TEXT NOT NULL UNIQUE,
    state            TEXT NOT NULL,
    asked_at         INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    decided_at       INTEGER,
    decided_by       TEXT NOT NULL DEFAULT '',
    reason           TEXT NOT NULL DEFAULT ''
);
CREATE INDEX approval_by_run ON approval (run);
CREATE INDEX approval_open ON approval (state) WHERE state IN ('waiting', 'approved');
