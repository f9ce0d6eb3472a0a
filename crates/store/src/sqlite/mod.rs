//! The embedded engine: one connection that commits in groups, and readers that never wait for it.

mod error;
mod open;
mod queue;
mod reader;
mod statement;
mod writer;

use std::{
    borrow::Cow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use crate::engine::{Batch, Durability, Engine, Row, StoreError, Value};
pub use open::Settings;

/// How the database is opened. [`Options::default`] is for production.
#[derive(Debug, Clone)]
pub struct Options {
    /// Queries that are answered at once, of the short ones and of the long ones.
    pub readers: usize,
    /// Whether a commit waits for the disk. Without it acknowledged writes can be lost; it exists
    /// so that a test can show the difference.
    pub durable: bool,
    /// The largest size of the database in pages of 4 KiB: a full disk, for tests.
    pub page_limit: Option<u32>,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            readers: cores.clamp(2, 8),
            durable: true,
            page_limit: None,
        }
    }
}

/// What the engine has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    pub queries: u64,
    /// Batches that were committed.
    pub commits: u64,
    /// Transactions that carried them: each waited once for the disk.
    pub groups: u64,
}

#[derive(Debug, Default)]
struct Counters {
    queries: AtomicU64,
    commits: AtomicU64,
    groups: AtomicU64,
}

/// `SQLite` in a data directory that belongs to one process.
#[derive(Debug)]
pub struct SqliteEngine {
    counters: Arc<Counters>,
    settings: Settings,
    // Dropped in this order: only a last connection that may write puts the log away.
    readers: reader::Readers,
    writer: Option<writer::Writer>,
}

impl SqliteEngine {
    /// Opens the data directory for reading and writing, and brings its schema up to date. Creates
    /// what is not there. [`StoreError::Locked`] when another process writes to it.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, StoreError> {
        let lock = open::lock(directory)?;
        let (connection, settings) = open::writer(directory, options)?;
        let counters = Arc::new(Counters::default());
        let writer = writer::Writer::start(connection, lock, Arc::clone(&counters))?;
        let readers = reader::Readers::start(directory, options.readers)?;
        Ok(Self {
            counters,
            settings,
            writer: Some(writer),
            readers,
        })
    }

    /// Opens the data directory beside the process that writes to it, if there is one. Every commit
    /// fails.
    pub fn open_read_only(directory: &Path) -> Result<Self, StoreError> {
        let settings = open::check(directory)?;
        let readers = reader::Readers::start(directory, 1)?;
        Ok(Self {
            counters: Arc::default(),
            settings,
            writer: None,
            readers,
        })
    }

    pub fn statistics(&self) -> Statistics {
        Statistics {
            queries: self.counters.queries.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
            groups: self.counters.groups.load(Ordering::Relaxed),
        }
    }

    /// The settings that make a commit durable, as the database reports them.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[async_trait]
impl Engine for SqliteEngine {
    async fn durability(&self) -> Result<Durability, StoreError> {
        self.query("SELECT 1".into(), Vec::new()).await?;
        let synchronous = match self.settings.synchronous {
            0 => "off",
            1 => "normal",
            2 => "full",
            _ => "extra",
        };
        Ok(Durability {
            engine: "sqlite",
            synchronous: synchronous.to_owned(),
        })
    }

    async fn query(
        &self,
        sql: Cow<'static, str>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        self.counters.queries.fetch_add(1, Ordering::Relaxed);
        self.readers.query(self.writer.as_ref(), sql, args).await
    }

    async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        match &self.writer {
            Some(writer) => writer.commit(batch).await,
            None => Err(StoreError::Driver(
                "the database is opened for reading only".into(),
            )),
        }
    }

    fn longest_wait(&self) -> Duration {
        let writer = self.writer.as_ref();
        writer.map_or(Duration::ZERO, writer::Writer::longest_wait)
    }
}
