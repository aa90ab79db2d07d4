-- Requests that act and had an idempotency key, with their answers.

CREATE TABLE request (
    uid      INTEGER NOT NULL,             -- who asked: keys of different users have nothing to do with each other
    key      TEXT NOT NULL,
    digest   BLOB NOT NULL,                -- SHA-256 of what was asked
    begun_at INTEGER NOT NULL,
    status   INTEGER,                      -- of the answer; none where the controller ended before there was one
    type     TEXT,                         -- the content type of the answer
    body     BLOB,
    PRIMARY KEY (uid, key)
) WITHOUT ROWID;
CREATE INDEX request_by_age ON request (begun_at);
