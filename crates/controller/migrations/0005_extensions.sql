-- What extensions remember from run to run, and how much each line of a run matters.

CREATE TABLE extension_state (
    extension TEXT NOT NULL,               -- its name in the configuration
    key       TEXT NOT NULL,
    value     BLOB NOT NULL,
    PRIMARY KEY (extension, key)
);

ALTER TABLE run_line ADD COLUMN level INTEGER NOT NULL DEFAULT 2;  -- 0 trace, 1 debug, 2 info, 3 warn, 4 error
