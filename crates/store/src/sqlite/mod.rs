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

use crate::{
    engine::{Batch, Durability, Engine, Row, Statistics, StoreError, Value},
    health::Health,
};
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
    /// A query that takes longer than this is given up.
    pub longest_query: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            readers: cores.clamp(2, 8),
            durable: true,
            page_limit: None,
            longest_query: Duration::from_secs(5),
        }
    }
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
    health: Health,
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
        let readers = reader::Readers::start(directory, options)?;
        Ok(Self {
            counters,
            settings,
            health: Health::default(),
            writer: Some(writer),
            readers,
        })
    }

    /// Whether the directory has a database, whatever is in it.
    pub fn exists(directory: &Path) -> bool {
        open::database(directory)
            .metadata()
            .is_ok_and(|file| file.len() > 0)
    }

    /// Opens the data directory beside the process that writes to it, if there is one. Every commit
    /// fails.
    pub fn open_read_only(directory: &Path) -> Result<Self, StoreError> {
        let settings = open::check(directory)?;
        let options = Options {
            readers: 1,
            ..Options::default()
        };
        let readers = reader::Readers::start(directory, &options)?;
        Ok(Self {
            counters: Arc::default(),
            settings,
            health: Health::default(),
            writer: None,
            readers,
        })
    }

    pub fn statistics(&self) -> Statistics {
        Statistics {
            queries: self.counters.queries.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
            groups: self.counters.groups.load(Ordering::Relaxed),
            waiting_commits: self.writer.as_ref().map_or(0, writer::Writer::waiting),
            busy_readers: self.readers.busy(),
            long_queries: self.readers.long_queries(),
        }
    }

    /// The settings that make a commit durable, as the database reports them.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[async_trait]
impl Engine for SqliteEngine {
    fn statistics(&self) -> Statistics {
        Self::statistics(self)
    }

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
        let Some(writer) = &self.writer else {
            return Err(StoreError::Driver(
                "the database is opened for reading only".into(),
            ));
        };
        let outcome = writer.commit(batch).await;
        self.health.note(outcome.as_ref().copied());
        outcome
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn longest_wait(&self) -> Duration {
        let writer = self.writer.as_ref();
        writer.map_or(Duration::ZERO, writer::Writer::longest_wait)
    }
}
