-- Numbers over time, for plots: how the host and the disks were doing.

CREATE TABLE series (
    id      INTEGER PRIMARY KEY,
    measure TEXT NOT NULL,
    of      TEXT NOT NULL,                 -- a storage target or a disk; empty for the host
    last_at INTEGER NOT NULL,
    UNIQUE (measure, of)
);

CREATE TABLE sample (
    series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
    step   INTEGER NOT NULL,               -- seconds
    slot   INTEGER NOT NULL,               -- steps since 1970
    min    REAL NOT NULL,
    max    REAL NOT NULL,
    sum    REAL NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (series, step, slot)
) WITHOUT ROWID;
