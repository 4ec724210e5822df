//! What ad hoc SQL must not do: change anything, or read or write anything outside.

use super::*;

const FORBIDDEN: &[&str] = &[
    // Writing.
    "INSERT INTO raw.host VALUES (9, 'x', 'x', now(), NULL)",
    "INSERT INTO host VALUES ('x')",
    "UPDATE raw.host SET name = 'x'",
    "DELETE FROM raw.host",
    "TRUNCATE raw.host",
    "MERGE INTO raw.host h USING (SELECT 1 AS id) s ON h.id = s.id WHEN MATCHED THEN DELETE",
    "WITH x AS (DELETE FROM raw.host RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO raw.host_group VALUES (1, 'x') RETURNING *) SELECT * FROM x",
    "WITH x AS MATERIALIZED (UPDATE raw.host SET name = 'x' RETURNING *) SELECT * FROM x",
    "SELECT * FROM (DELETE FROM raw.host RETURNING *)",
    "EXPLAIN ANALYZE DELETE FROM raw.host",
    "EXPLAIN ANALYZE INSERT INTO raw.host_group VALUES (1, 'x')",
    "explain /* x */ analyze DROP TABLE raw.host",
    "EXPLAIN EXPLAIN ANALYZE DELETE FROM raw.host",
    "EXPLAIN (ANALYZE) DELETE FROM raw.host",
    // Definitions.
    "CREATE TABLE x (a INTEGER)",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x AS SELECT 1",
    "CREATE TEMPORARY VIEW x AS SELECT 1",
    "CREATE OR REPLACE VIEW host AS SELECT 1",
    "CREATE MACRO f(a) AS a + 1",
    "CREATE SCHEMA x",
    "CREATE SEQUENCE x",
    "CREATE TYPE x AS ENUM ('a')",
    "CREATE INDEX x ON raw.host (id)",
    "CREATE SECRET x (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "DROP TABLE raw.host",
    "DROP VIEW host",
    "DROP SCHEMA raw CASCADE",
    "ALTER TABLE raw.host ADD COLUMN x INTEGER",
    "COMMENT ON TABLE raw.host IS 'x'",
    "SELECT 1 INTO x",
    // Settings and the like.
    "SET memory_limit = '1TB'",
    "SET GLOBAL TimeZone = 'UTC'",
    "SET TimeZone = 'UTC'",
    "SET VARIABLE x = 1",
    "RESET memory_limit",
    "PRAGMA threads = 8",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "USE memory",
    "CALL pragma_version()",
    "CALL enable_logging()",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "VACUUM",
    "ANALYZE",
    "BEGIN TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "PREPARE x AS DELETE FROM raw.host",
    "EXECUTE x",
    "DEALLOCATE x",
    // Files and the net.
    "COPY raw.host TO '/tmp/eider-forbidden.csv'",
    "COPY (SELECT 1) TO '/tmp/eider-forbidden.parquet' (FORMAT parquet)",
    "COPY raw.host FROM '/etc/passwd'",
    "EXPORT DATABASE '/tmp/eider-forbidden'",
    "IMPORT DATABASE '/tmp/eider-forbidden'",
    "ATTACH '/tmp/eider-forbidden.duckdb' AS x",
    "ATTACH ':memory:' AS x",
    "DETACH eider",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL icu",
    "UPDATE EXTENSIONS",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv_auto('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM read_parquet('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'https://example.net/a.parquet'",
    "SELECT * FROM glob('/etc/*')",
    "FROM read_text('data/export/../../../../../../etc/passwd')",
    "SELECT * FROM query('DELETE FROM raw.host')",
    "SELECT getenv('HOME')",
    "SELECT * FROM read_duckdb('/tmp/x.duckdb')",
    "SELECT * FROM sqlite_scan('/tmp/x', 'y')",
    "SELECT * FROM postgres_query('x', 'y')",
    // Several at once.
    "SELECT 1; DELETE FROM raw.host",
    "DELETE FROM raw.host; SELECT 1",
    "COMMIT; DELETE FROM raw.host; SELECT 1",
    "ROLLBACK; BEGIN; DELETE FROM raw.host; COMMIT; SELECT 1",
    "SELECT 1 /* ; */; DROP TABLE raw.host",
    "EXPLAIN SELECT 1; DROP TABLE raw.host",
    "SELECT $$;$$; DROP TABLE raw.host",
    "SELECT 1\u{0}; DROP TABLE raw.host",
    "PIVOT raw.host ON name",
];

#[test]
fn nothing_is_changed_and_nothing_outside_is_read() {
    assert!(FORBIDDEN.len() >= 50);
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        memory_bytes: Some(128 << 20),
    };
    let (store, mut recorder) = Store::open(directory.path(), &options).unwrap();
    recorder
        .sync_hosts(&inventory([host("a", &["g"]), host("b", &[])]), T0)
        .unwrap();
    recorder.append(&[stored(1, T0)]).unwrap();
    let state = || {
        let tables = rows_of(
            &store,
            "SELECT schema_name, table_name, sql FROM duckdb_tables() UNION ALL
             SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
        );
        let settings = rows_of(
            &store,
            "SELECT name, value FROM duckdb_settings() ORDER BY name",
        );
        let rows = rows_of(
            &store,
            "SELECT id::VARCHAR, name FROM raw.host UNION ALL SELECT group_name, '' FROM raw.host_group
             UNION ALL SELECT ts::VARCHAR, method FROM raw.poll UNION ALL SELECT key, value FROM raw.meta
             UNION ALL SELECT database_name, '' FROM duckdb_databases() ORDER BY ALL",
        );
        (tables, settings, rows)
    };
    let before = state();
    for sql in FORBIDDEN {
        let answer = store.ask_blocking(&Question::new(*sql));
        let error = answer
            .err()
            .unwrap_or_else(|| panic!("was answered: {sql}"));
        let words = error.to_string();
        assert!(matches!(error, StoreError::Query(_)), "{sql}: {words}");
        assert!(!words.contains("root:"), "{sql}: {words}");
    }
    assert_eq!(state(), before);
    for left in std::fs::read_dir("/tmp").unwrap() {
        let name = left.unwrap().file_name();
        assert!(!name.to_string_lossy().starts_with("eider-forbidden"));
    }
    assert_eq!(
        std::fs::read_dir(directory.path().join("export"))
            .unwrap()
            .count(),
        0
    );
}

/// The gate is not the only wall: what slipped through it would meet the READ ONLY transaction and
/// the locked configuration.
#[test]
fn behind_the_gate_stand_the_transaction_and_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        memory_bytes: Some(128 << 20),
    };
    let (_store, recorder) = Store::open(directory.path(), &options).unwrap();
    let connection = recorder.connection.try_clone().unwrap();
    let attempt = |sql: &str| {
        connection
            .execute_batch("BEGIN TRANSACTION READ ONLY")
            .unwrap();
        let outcome = connection.execute_batch(sql);
        connection.execute_batch("ROLLBACK").unwrap();
        outcome
    };
    for sql in [
        "DELETE FROM raw.host",
        "CREATE TABLE x (a INTEGER)",
        "DROP VIEW host",
    ] {
        let error = attempt(sql).unwrap_err().to_string();
        assert!(error.contains("read-only"), "{error}");
    }
    for sql in [
        "SET memory_limit = '1TB'",
        "SET enable_external_access = true",
        "SET allowed_configs = ['threads']",
        "SET lock_configuration = false",
        "SET allowed_directories = ['/']",
        "RESET enable_external_access",
    ] {
        assert!(attempt(sql).is_err(), "{sql}");
    }
    for sql in [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/eider-forbidden.csv'",
        "ATTACH '/tmp/eider-forbidden.duckdb' AS x",
        "INSTALL httpfs",
        "LOAD '/tmp/x.duckdb_extension'",
    ] {
        assert!(attempt(sql).is_err(), "{sql}");
    }
}

#[test]
fn parquet_holds_all_rows_and_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        memory_bytes: Some(128 << 20),
    };
    let (store, _recorder) = Store::open(directory.path(), &options).unwrap();
    let mut question = Question::new(
        "SELECT range AS n, range::HUGEINT AS h, $t AS t, [range] AS l FROM range($rows)",
    )
    .bind("rows", Cell::Int(50_000))
    .bind("t", Cell::Time(1_000_000));
    question.max_rows = 10;
    let (bytes, truncated) = store.ask_as(&question, format::Format::Parquet).unwrap();
    assert!(!truncated);
    assert_eq!(
        (&bytes[..4], &bytes[bytes.len() - 4..]),
        (&b"PAR1"[..], &b"PAR1"[..])
    );
    let export = directory.path().join("export");
    assert_eq!(std::fs::read_dir(&export).unwrap().count(), 0);
    // The export directory may be read: so the file tells what is in it.
    let file = export.join("a.parquet");
    std::fs::write(&file, bytes).unwrap();
    let sql = format!(
        "SELECT count(*), sum(n)::BIGINT, any_value(typeof(h)), any_value(typeof(t)) FROM '{}'",
        file.display()
    );
    let sum = Cell::Int(50_000 * 49_999 / 2);
    let zoned = text("TIMESTAMP WITH TIME ZONE");
    assert_eq!(
        rows_of(&store, &sql),
        [[Cell::Int(50_000), sum, text("DECIMAL(38,0)"), zoned]]
    );
}
