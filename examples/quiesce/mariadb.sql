-- Holds MariaDB (10.4 or newer) without commits until standard input closes:
--
--     agentapi backup run --hold "mariadb --abort-source-on-error -e 'source /usr/share/agentapi/mariadb.sql'" ...
--
-- The lock belongs to its session: a client that returns has given it back. Here one session takes it, says so, waits, and
-- gives it back. When the session is lost, the server gives it back by itself.
BACKUP STAGE START;
BACKUP STAGE FLUSH;
BACKUP STAGE BLOCK_DDL;
BACKUP STAGE BLOCK_COMMIT;
\! echo frozen
\! cat > /dev/null
BACKUP STAGE END;
