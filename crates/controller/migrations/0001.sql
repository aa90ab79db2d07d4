-- Times are milliseconds since 1970 by the wall clock. A step is never edited once it is released.

CREATE TABLE run (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    subject     TEXT NOT NULL,             -- 'backup', or the name of an extension
    digest      TEXT NOT NULL,             -- SHA-256 of the extension's bytes, in hex
    reason      TEXT NOT NULL,             -- why it was activated
    state       TEXT NOT NULL,
    queued_at   INTEGER NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    end_reason  TEXT NOT NULL DEFAULT '',
    result      TEXT,                      -- what the extension returned: a JSON text
    job_before  TEXT,                      -- the agent's latest backup before this run, to tell whether this one started one
    job_id      TEXT,                      -- the backup that it started
    consistency TEXT,                      -- 'application', or why the backup is crash-consistent
    frozen_ms   INTEGER
);
CREATE INDEX run_by_subject ON run (subject, id);
CREATE INDEX run_by_state ON run (state) WHERE ended_at IS NULL;

CREATE TABLE run_line (
    run     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (run, number)
) WITHOUT ROWID;

CREATE TABLE event (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    severity TEXT NOT NULL,
    subject  TEXT NOT NULL,
    run      INTEGER,
    text     TEXT NOT NULL
);

CREATE TABLE schedule (
    subject         TEXT PRIMARY KEY,
    is_paused       INTEGER NOT NULL DEFAULT 0,
    last_due_at     INTEGER,               -- the due time that was dealt with last: run, or skipped
    last_start_at   INTEGER,
    last_success_at INTEGER,
    first_seen_at   INTEGER                -- before that, no success was missed
) WITHOUT ROWID;

CREATE TABLE finding (
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    severity TEXT NOT NULL,
    since    INTEGER NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (kind, subject)
) WITHOUT ROWID;

CREATE TABLE notice (                      -- what a receiver was told, and not yet told the end of
    receiver TEXT NOT NULL,
    kind     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    severity TEXT NOT NULL,
    since    INTEGER NOT NULL,
    text     TEXT NOT NULL,
    told_at  INTEGER NOT NULL,
    PRIMARY KEY (receiver, kind, subject)
) WITHOUT ROWID;
