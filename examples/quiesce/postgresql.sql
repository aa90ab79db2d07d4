-- Holds PostgreSQL (15 or newer) in backup mode until standard input closes:
--
--     agentapi backup run --hold 'psql -X -q -f /usr/share/agentapi/postgresql.sql postgres' ...
--
-- pg_backup_start belongs to its session: `psql -c 'select pg_backup_start(..)'` ends the backup as soon as it returns.
-- Here one session freezes, says so, waits, and stops the backup. If it is lost meanwhile, the server ends the backup mode
-- by itself, pg_backup_stop fails, and the backup is reported as crash-consistent.
--
-- `-v label=/var/lib/agentapi/backup_label` writes the label to a file, which a restore of a copy that was not taken at one
-- instant needs in the data directory. A snapshot of the whole data directory at one instant does without. The file must
-- not lie on what is frozen together with the database.
\set ON_ERROR_STOP 1
\set QUIET 1
\pset format unaligned
\pset tuples_only on
\o /dev/null
SELECT pg_backup_start('agentapi', fast => true);
\o
-- By a program of its own, so that nothing stays in a buffer.
\! echo frozen
\! cat > /dev/null
\if :{?label}
\o :label
\else
\o /dev/null
\endif
-- The WAL is in the backup, as part of the data directory: its archive is not waited for.
SELECT labelfile FROM pg_backup_stop(wait_for_archive => false);
