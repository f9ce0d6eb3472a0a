//! The data directory: its lock, its files, and connections with the settings that durability
//! rests on.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{
    Options,
    error::{driver, translate},
    statement::{execute, query},
};
use crate::{
    engine::{StoreError, Value},
    migrations::{self, Migration},
    outbox,
};

const DATABASE: &str = "stepgate.db";
const LOCK: &str = "stepgate.lock";
/// For the short moments of opening and closing beside a reader in another process.
const BUSY: Duration = Duration::from_secs(10);
const STATEMENTS_KEPT: usize = 256;

/// What the database says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `wal`
    pub journal_mode: String,
    /// 2 is FULL: every commit waits for the disk.
    pub synchronous: i64,
}

/// Locks the data directory for as long as the file is open, creating both if need be.
pub(super) fn lock(directory: &Path) -> Result<File, StoreError> {
    if !directory.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(driver)?;
    }
    let lock = private_file(&directory.join(LOCK)).map_err(driver)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(TryLockError::Error(error)) => Err(driver(error)),
    }
}

/// The connection that writes, with its schema up to date.
pub(super) fn writer(
    directory: &Path,
    options: &Options,
) -> Result<(Connection, Settings), StoreError> {
    // The write-ahead log and its index are created with the permissions of the database.
    let path = database(directory);
    private_file(&path)
        .and_then(|file| file.sync_all())
        .map_err(driver)?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(driver)?;
    let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let synchronous = if options.durable { "FULL" } else { "NORMAL" };
    let journal_mode: String = pragma(&connection, "PRAGMA journal_mode = WAL")?;
    connection
        .execute_batch(&format!("PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000"))
        .map_err(|error| translate(&error))?;
    migrate(&mut connection)?;
    // Whoever held a lease held the directory's lock too, so it is gone: nobody waits for the
    // lease of a process that died.
    execute(&connection, outbox::RELEASE_LEASES, &[]).map_err(|error| translate(&error))?;
    if let Some(pages) = options.page_limit {
        let _: i64 = pragma(&connection, &format!("PRAGMA max_page_count = {pages}"))?;
    }
    let settings = Settings {
        journal_mode,
        synchronous: pragma(&connection, "PRAGMA synchronous")?,
    };
    if settings.journal_mode != "wal" {
        return Err(StoreError::Driver(
            "the file system does not support a write-ahead log".into(),
        ));
    }
    Ok((connection, settings))
}

/// A connection that reads.
pub(super) fn reader(directory: &Path) -> Result<Connection, StoreError> {
    let connection = connect(&database(directory), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection
        .execute_batch("PRAGMA cache_size = -4000")
        .map_err(|error| translate(&error))?;
    Ok(connection)
}

/// Whether the database can be read as it is, by a process that must not change it.
pub(super) fn check(directory: &Path) -> Result<Settings, StoreError> {
    let connection = reader(directory)?;
    let found: i64 = pragma(&connection, migrations::FOUND)?;
    if migrations::pending(found)?.next().is_some() {
        return Err(StoreError::Driver(
            "the database has an older schema: start the server once".into(),
        ));
    }
    Ok(Settings {
        journal_mode: pragma(&connection, "PRAGMA journal_mode")?,
        synchronous: pragma(&connection, "PRAGMA synchronous")?,
    })
}

pub(super) fn database(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// A file that only its owner reads; one that was there is narrowed to that.
fn private_file(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| translate(&error);
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // A plan must not depend on bound values: else a kept statement is planned anew at each use.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed)?;
    Ok(connection)
}

fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
) -> Result<T, StoreError> {
    connection
        .query_row(sql, [], |row| row.get(0))
        .map_err(|error| translate(&error))
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| translate(&error);
    connection
        .execute_batch(migrations::PREPARE)
        .map_err(failed)?;
    let found: i64 = pragma(connection, migrations::FOUND)?;
    for (version, migration) in migrations::pending(found)? {
        let transaction = connection.transaction().map_err(failed)?;
        match migration {
            Migration::Sql(sql) => transaction.execute_batch(sql).map_err(failed)?,
            Migration::Rust(migrate) => {
                let read = |sql: &str, args: &[Value]| {
                    query(&transaction, sql, args).map_err(|error| translate(&error))
                };
                for statement in migrate(&read)? {
                    execute(&transaction, &statement.sql, &statement.args).map_err(failed)?;
                }
            }
        }
        execute(&transaction, migrations::RECORD, &[version.into()]).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        tracing::info!(version, "database schema brought up to date");
    }
    Ok(())
}
