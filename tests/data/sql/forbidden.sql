-- SQL that nobody's question may be: one statement a line, each is refused with a reason and changes nothing.

--- Writing.
INSERT INTO raw.host VALUES (9, 'x', 'x', now(), NULL)
INSERT INTO host VALUES ('x')
UPDATE raw.host SET name = 'x'
DELETE FROM raw.host
TRUNCATE raw.host
MERGE INTO raw.host h USING (SELECT 1 AS id) s ON h.id = s.id WHEN MATCHED THEN DELETE
WITH x AS (DELETE FROM raw.host RETURNING *) SELECT * FROM x
WITH x AS (INSERT INTO raw.host_group VALUES (1, 'x') RETURNING *) SELECT * FROM x
WITH x AS MATERIALIZED (UPDATE raw.host SET name = 'x' RETURNING *) SELECT * FROM x
SELECT * FROM (DELETE FROM raw.host RETURNING *)
EXPLAIN ANALYZE DELETE FROM raw.host
EXPLAIN ANALYZE INSERT INTO raw.host_group VALUES (1, 'x')
explain /* x */ analyze DROP TABLE raw.host
EXPLAIN EXPLAIN ANALYZE DELETE FROM raw.host
EXPLAIN (ANALYZE) DELETE FROM raw.host

--- Definitions.
CREATE TABLE x (a INTEGER)
CREATE TABLE x AS SELECT 1
CREATE TEMP TABLE x AS SELECT 1
CREATE TEMPORARY VIEW x AS SELECT 1
CREATE OR REPLACE VIEW host AS SELECT 1
CREATE MACRO f(a) AS a + 1
CREATE SCHEMA x
CREATE SEQUENCE x
CREATE TYPE x AS ENUM ('a')
CREATE INDEX x ON raw.host (id)
CREATE SECRET x (TYPE s3, KEY_ID 'a', SECRET 'b')
DROP TABLE raw.host
DROP VIEW host
DROP SCHEMA raw CASCADE
ALTER TABLE raw.host ADD COLUMN x INTEGER
COMMENT ON TABLE raw.host IS 'x'
SELECT 1 INTO x

--- Settings and the like.
SET memory_limit = '1TB'
SET GLOBAL TimeZone = 'UTC'
SET TimeZone = 'UTC'
SET VARIABLE x = 1
RESET memory_limit
PRAGMA threads = 8
PRAGMA enable_profiling
PRAGMA database_list
USE memory
CALL pragma_version()
CALL enable_logging()
CHECKPOINT
FORCE CHECKPOINT
VACUUM
ANALYZE
BEGIN TRANSACTION
COMMIT
ROLLBACK
PREPARE x AS DELETE FROM raw.host
EXECUTE x
DEALLOCATE x

--- Files and the net.
COPY raw.host TO '/tmp/eider-forbidden.csv'
COPY (SELECT 1) TO '/tmp/eider-forbidden.parquet' (FORMAT parquet)
COPY raw.host FROM '/etc/passwd'
EXPORT DATABASE '/tmp/eider-forbidden'
IMPORT DATABASE '/tmp/eider-forbidden'
ATTACH '/tmp/eider-forbidden.duckdb' AS x
ATTACH ':memory:' AS x
DETACH eider
INSTALL httpfs
LOAD httpfs
FORCE INSTALL icu
UPDATE EXTENSIONS
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM read_csv_auto('/etc/passwd')
SELECT * FROM read_json('/etc/passwd')
SELECT * FROM read_parquet('/etc/passwd')
SELECT * FROM parquet_metadata('/etc/passwd')
SELECT * FROM sniff_csv('/etc/passwd')
SELECT * FROM '/etc/passwd'
SELECT * FROM 'https://example.net/a.parquet'
SELECT * FROM glob('/etc/*')
FROM read_text('data/export/../../../../../../etc/passwd')
SELECT * FROM query('DELETE FROM raw.host')
SELECT getenv('HOME')
SELECT * FROM read_duckdb('/tmp/x.duckdb')
SELECT * FROM sqlite_scan('/tmp/x', 'y')
SELECT * FROM postgres_query('x', 'y')

--- Several at once.
SELECT 1; DELETE FROM raw.host
DELETE FROM raw.host; SELECT 1
COMMIT; DELETE FROM raw.host; SELECT 1
ROLLBACK; BEGIN; DELETE FROM raw.host; COMMIT; SELECT 1
SELECT 1 /* ; */; DROP TABLE raw.host
EXPLAIN SELECT 1; DROP TABLE raw.host
SELECT $$;$$; DROP TABLE raw.host
PIVOT raw.host ON name

--- Files: reading
SELECT * FROM read_text('/etc/shadow')
SELECT * FROM read_text(['/etc/hostname', '/etc/hosts'])
SELECT content FROM read_blob('/proc/self/environ')
SELECT * FROM read_text('/proc/1/cmdline')
SELECT * FROM read_text('/proc/self/maps')
SELECT * FROM read_text('/proc/self/fd/0')
SELECT * FROM read_csv('/proc/self/mounts', delim = ' ')
SELECT * FROM read_csv('/etc/group', header = false, columns = {'a': 'VARCHAR'})
SELECT * FROM read_json_auto('/etc/hosts')
SELECT * FROM read_json_objects('/etc/hosts')
SELECT * FROM read_ndjson('/etc/hosts')
SELECT * FROM read_ndjson_auto('/etc/hosts')
SELECT * FROM read_ndjson_objects('/etc/hosts')
SELECT * FROM read_json_objects_auto('/etc/hosts')
SELECT * FROM parquet_scan('/etc/hosts')
SELECT * FROM parquet_schema('/etc/hosts')
SELECT * FROM parquet_file_metadata('/etc/hosts')
SELECT * FROM parquet_kv_metadata('/etc/hosts')
SELECT * FROM parquet_bloom_probe('/etc/hosts', 'a', 1)
SELECT * FROM glob('/*')
SELECT * FROM glob('/root/.ssh/*')
SELECT * FROM glob('../*')
SELECT * FROM glob('~/*')
SELECT * FROM read_text('~/.ssh/id_rsa')
SELECT * FROM read_text('../../state/users')
SELECT * FROM read_text('../../state/tokens')
SELECT * FROM read_text('../../state/**')
SELECT * FROM read_blob('../../eider.duckdb')
SELECT * FROM '../../eider.duckdb'
SELECT * FROM read_text('file:///etc/passwd')
SELECT * FROM read_text('file://localhost/etc/passwd')
SELECT * FROM '/etc/hosts.csv'
SELECT * FROM '/etc/passwd.json'
SELECT * FROM '/etc/x.parquet'
FROM '/etc/passwd'
TABLE '/etc/passwd'
SELECT * FROM "/etc/passwd"
SELECT (SELECT content FROM read_text('/etc/passwd'))
WITH f AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM f
SELECT 1 WHERE EXISTS (FROM read_text('/etc/passwd'))
SELECT * FROM (VALUES ('/etc/passwd')) v(p), LATERAL (SELECT * FROM read_text(p))
SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')
SELECT * FROM query_table('/etc/passwd')
SELECT * FROM query_table(['/etc/passwd', '/etc/group'])
SELECT * FROM query('COPY (SELECT 1) TO ''/tmp/eider-forbidden.csv''')
SELECT * FROM query('SELECT 1; DROP VIEW host')
SELECT * FROM query('INSTALL httpfs')
SELECT * FROM query('ATTACH '':memory:'' AS x')
DESCRIBE SELECT * FROM read_text('/etc/passwd')
DESCRIBE '/etc/passwd'
SUMMARIZE '/etc/passwd'
SUMMARIZE SELECT * FROM read_text('/etc/passwd')
EXPLAIN ANALYZE SELECT * FROM read_text('/etc/passwd')
PIVOT (SELECT * FROM read_text('/etc/passwd')) ON filename USING count(*)
SELECT * FROM sniff_csv('/etc/hosts', sample_size = 1)
SELECT * FROM read_duckdb('../../eider.duckdb')
SELECT * FROM sqlite_scan('/var/lib/x.db', 'users')
SELECT * FROM st_read('/etc/passwd')
SELECT * FROM read_xlsx('/tmp/x.xlsx')
SELECT * FROM read_avro('/tmp/x.avro')
SELECT * FROM iceberg_scan('/tmp/x')
SELECT * FROM delta_scan('/tmp/x')
SELECT * FROM read_csv('/dev/stdin')
SELECT * FROM read_text('/dev/fd/0')
SELECT * FROM read_blob('/dev/zero')

--- Files: the net
SELECT * FROM 'http://127.0.0.1:1/x.csv'
SELECT * FROM read_csv('http://169.254.169.254/latest/meta-data/')
SELECT * FROM read_text('https://example.net/')
SELECT * FROM read_parquet('s3://bucket/x.parquet')
SELECT * FROM read_parquet('gcs://bucket/x.parquet')
SELECT * FROM read_parquet('azure://c/x.parquet')
SELECT * FROM read_parquet('hf://datasets/x/y.parquet')
SELECT * FROM read_json('ftp://example.net/x.json')
SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 'x')
SELECT * FROM mysql_scan('host=127.0.0.1', 'x', 'y')
SELECT * FROM mysql_query('x', 'SELECT 1')
SELECT * FROM postgres_query('host=127.0.0.1', 'SELECT 1')
SELECT http_get('http://127.0.0.1/')
SELECT * FROM http_post('http://127.0.0.1/', '{}')

--- Files: writing
COPY (SELECT 1) TO '/tmp/eider-forbidden.csv'
COPY (SELECT 1) TO 'eider-forbidden.csv'
COPY (SELECT 1) TO '../../sealed/eider-forbidden.parquet'
COPY (SELECT 1) TO '../../sealed/empty/interface.parquet' (FORMAT parquet)
COPY (SELECT 1) TO '../copy-0/host.parquet' (FORMAT parquet)
COPY host TO '/tmp/eider-forbidden.json'
COPY host TO '/dev/stdout'
COPY (SELECT 1 AS a) TO '/tmp/eider-forbidden' (FORMAT parquet, PARTITION_BY (a))
COPY FROM DATABASE memory TO x
COPY (SELECT * FROM read_text('/etc/passwd')) TO '/tmp/eider-forbidden.txt'
EXPORT DATABASE '/tmp/eider-forbidden' (FORMAT parquet)
EXPORT DATABASE '.'
IMPORT DATABASE '.'
EXPLAIN COPY (SELECT 1) TO '/tmp/eider-forbidden.csv'
EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/eider-forbidden.csv'
WITH c AS (COPY (SELECT 1) TO '/tmp/eider-forbidden.csv') SELECT 1

--- Other databases
ATTACH 'x.duckdb'
ATTACH '../../eider.duckdb' AS live
ATTACH '../../eider.duckdb' AS live (READ_ONLY)
ATTACH IF NOT EXISTS ':memory:' AS m
ATTACH 'http://example.net/x.duckdb' AS x
ATTACH 'postgres:host=127.0.0.1' AS p (TYPE postgres)
ATTACH 'x.db' (TYPE sqlite)
ATTACH 'ducklake:x' AS l
CREATE DATABASE x
DETACH memory
DETACH DATABASE IF EXISTS memory
USE system
USE temp

--- Extensions and secrets
INSTALL httpfs FROM community
INSTALL '/tmp/x.duckdb_extension'
INSTALL shellfs FROM community
LOAD 'httpfs'
LOAD '/tmp/x.duckdb_extension'
LOAD parquet
FORCE INSTALL httpfs
UPDATE EXTENSIONS (httpfs)
CREATE PERSISTENT SECRET x (TYPE http, BEARER_TOKEN 'y')
CREATE OR REPLACE TEMPORARY SECRET x (TYPE s3)
DROP SECRET x
SELECT * FROM from_substrait('x'::BLOB)
CALL start_ui()
CALL quack_serve('quack:127.0.0.1:9494')
SELECT * FROM start_ui_server()

--- Settings
SET enable_external_access = true
SET GLOBAL enable_external_access = true
SET SESSION enable_external_access = true
SET LOCAL enable_external_access = true
SET lock_configuration = false
SET allowed_directories = ['/']
SET allowed_paths = ['/etc/passwd']
SET allowed_configs = ['threads']
SET autoinstall_known_extensions = true
SET autoload_known_extensions = true
SET allow_community_extensions = true
SET allow_unsigned_extensions = true
SET extension_directory = '/tmp'
SET home_directory = '/root'
SET temp_directory = '/tmp'
SET max_temp_directory_size = '1TB'
SET memory_limit = '-1'
SET max_memory = '1TB'
SET threads = 100
SET worker_threads = 100
SET external_threads = 1
SET profiling_output = '/tmp/eider-forbidden.json'
SET enable_profiling = 'json'
SET log_query_path = '/tmp/eider-forbidden.log'
SET secret_directory = '/tmp'
SET file_search_path = '/etc'
SET search_path = 'raw'
SET schema = 'raw'
SET errors_as_json = false
SET custom_user_agent = 'x'
SET http_proxy = 'http://127.0.0.1:1'
SET http_logging_output = '/tmp/eider-forbidden.log'
SET enable_http_logging = true
SET VARIABLE sealed_interface = ['/etc/passwd']
SET VARIABLE sealed_poll = []
RESET VARIABLE sealed_interface
RESET enable_external_access
RESET allowed_directories
RESET GLOBAL memory_limit
RESET ALL
PRAGMA enable_external_access = true
PRAGMA memory_limit = '1TB'
PRAGMA temp_directory = '/tmp'
PRAGMA enable_object_cache
PRAGMA disable_checkpoint_on_shutdown
PRAGMA force_checkpoint
PRAGMA enable_logging
PRAGMA profiling_output = '/tmp/eider-forbidden.json'
PRAGMA add_parquet_key('k', '0123456789112345')
PRAGMA import_database('/tmp')
PRAGMA show_tables
PRAGMA table_info('host')
PRAGMA version
PRAGMA enable_verification
CALL pragma_storage_info('host')
CALL enable_profiling()
CALL disable_logging()
CALL truncate_duckdb_logs()
CALL force_checkpoint()
CALL checkpoint()

--- Changing
INSERT INTO host SELECT * FROM host
INSERT OR REPLACE INTO raw.host VALUES (1)
UPDATE host SET name = 'x'
DELETE FROM poll
DELETE FROM raw.sealed_file
TRUNCATE raw.sealed_file
DROP SCHEMA hist CASCADE
DROP VIEW IF EXISTS main.interface
DROP TABLE IF EXISTS raw.poll
DROP MACRO x
DROP FUNCTION x
DROP TYPE x
DROP SEQUENCE x
DROP INDEX x
ALTER VIEW host RENAME TO guest
ALTER TABLE raw.poll RENAME TO x
ALTER TABLE raw.poll DROP COLUMN host_id
CREATE VIEW x AS SELECT 1
CREATE OR REPLACE TABLE raw.host AS SELECT 1
CREATE TEMP VIEW host AS SELECT 1
CREATE TABLE x AS FROM read_text('/etc/passwd')
CREATE OR REPLACE MACRO now() AS 0
CREATE TEMP MACRO count(a) AS 1
CREATE FUNCTION f(a) AS a
CREATE MACRO f() AS TABLE SELECT * FROM read_text('/etc/passwd')
COMMENT ON VIEW host IS 'x'
COMMENT ON COLUMN host.name IS 'x'
WITH x AS (DELETE FROM raw.sealed_file RETURNING *) SELECT * FROM x
WITH RECURSIVE x AS (DELETE FROM raw.host RETURNING id) SELECT * FROM x
SELECT * FROM (INSERT INTO raw.host_group VALUES (1, 'x') RETURNING *)
SELECT (DELETE FROM raw.host RETURNING id)
MERGE INTO raw.host USING (SELECT 1) ON true WHEN MATCHED THEN DELETE
EXPLAIN DELETE FROM raw.host
EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1
EXPLAIN (FORMAT json) DROP TABLE raw.host
DESCRIBE DELETE FROM raw.host
SUMMARIZE DELETE FROM raw.host
START TRANSACTION
BEGIN
END
ABORT
BEGIN TRANSACTION READ WRITE
PREPARE p AS SELECT 1
EXECUTE p(1)
DEALLOCATE ALL
VACUUM ANALYZE
ANALYZE host
CHECKPOINT memory

--- Several at once, and tricks
SELECT 1;; DROP VIEW host
SELECT 1;/**/DROP VIEW host
SELECT 1 UNION ALL SELECT 2; SET threads = 1
; DROP VIEW host
/* SELECT 1 */ DROP VIEW host
/*/**/*/ DROP VIEW host
-- SELECT 1
SELECT 1 /* unclosed
SELECT $a$;$a$; DROP VIEW host
SELECT '''; DROP VIEW host; --'; DROP VIEW host
SELECT E'\''; DROP VIEW host
SELECT 1) TO '/tmp/eider-forbidden.csv' --
SELECT 1) TO '/tmp/eider-forbidden.parquet' (FORMAT parquet); --
SELECT 1)); DROP VIEW host; --
SELECT 1 FROM host) UNION (SELECT 2
DROP/**/VIEW/**/host
dRoP vIeW host
EXPLAIN EXPLAIN SELECT 1; DROP VIEW host
EXPLAIN ANALYZE SELECT 1; DROP VIEW host
SELECT * FROM raw.push_key
SELECT * FROM raw.meta
SELECT * FROM raw.profile_table
SELECT getenv('PATH')
SELECT system('id')
SELECT shell('id')
SELECT pg_read_file('/etc/passwd')
SELECT load_extension('/tmp/x')
SELECT * FROM pragma_database_size; DROP VIEW host
SHOW; DROP VIEW host
CALL query('DROP VIEW host')
SELECT query('DROP VIEW host')
EXECUTE IMMEDIATE 'DROP VIEW host'
DO $$ BEGIN END $$
KILL 1
