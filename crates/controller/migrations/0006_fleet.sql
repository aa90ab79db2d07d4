-- What a guest's part in a fleet remembers: how far its events were told, which orders it has taken.
CREATE TABLE fleet (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
