//! The one thread that writes. It takes every batch that waits into one transaction, and answers
//! when the disk has it all: the more is to do, the fewer waits for the disk it costs. When a batch
//! of them is refused, the group is written anew, each batch behind its own savepoint.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    Counters,
    error::{driver, translate},
    statement::execute,
};
use crate::engine::{Batch, Expect, StoreError};

/// Batches in one transaction.
const GROUP_AT_MOST: usize = 256;
/// Pages in the write-ahead log from which on it is copied back, after the answers.
const CHECKPOINT_FROM: i32 = 1_000;

#[derive(Debug)]
struct Job {
    batch: Batch,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

#[derive(Debug)]
pub(super) struct Writer {
    /// Taken when the engine is dropped, which tells the thread to end after what it was given.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        mut connection: Connection,
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel();
        let log_pages = Arc::new(AtomicI32::new(0));
        let seen = Arc::clone(&log_pages);
        // Takes the place of automatic checkpoints, which would run before the answers.
        connection
            .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
                seen.store(pages, Ordering::Relaxed);
                Ok(())
            }))
            .map_err(|error| translate(&error))?;
        let thread = thread::Builder::new()
            .name("sqlite-write".to_owned())
            .spawn(move || {
                while let Ok(first) = waiting.recv() {
                    let group = std::iter::once(first)
                        .chain(waiting.try_iter())
                        .take(GROUP_AT_MOST)
                        .collect();
                    write(&connection, group, &counters);
                    if log_pages.load(Ordering::Relaxed) >= CHECKPOINT_FROM {
                        checkpoint(&connection);
                    }
                }
            })
            .map_err(driver)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(Job { batch, answer })
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Readers are not disturbed; what they still need stays in the log.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be copied back");
    }
}

/// Why no batch of a group is in the database.
enum Failure {
    /// The database took the whole transaction back because of one statement.
    TakenBack(rusqlite::Error),
    /// It could not be begun or committed.
    Transaction(rusqlite::Error),
}

fn write(connection: &Connection, mut group: Vec<Job>, counters: &Counters) {
    let outcomes = write_together(connection, &group).and_then(|written| {
        if written {
            Ok(group.iter().map(|_| Ok(())).collect())
        } else {
            write_group(connection, &group)
        }
    });
    match outcomes {
        Ok(outcomes) => {
            let committed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            if committed > 0 {
                counters.groups.fetch_add(1, Ordering::Relaxed);
                counters.commits.fetch_add(
                    u64::try_from(committed).unwrap_or_default(),
                    Ordering::Relaxed,
                );
            }
            for (job, outcome) in group.into_iter().zip(outcomes) {
                let _ = job.answer.send(outcome);
            }
        }
        // One batch must not fail for another's sake.
        Err(Failure::TakenBack(_)) if group.len() > 1 => {
            for job in mem::take(&mut group) {
                write(connection, vec![job], counters);
            }
        }
        Err(Failure::TakenBack(error) | Failure::Transaction(error)) => {
            for job in group {
                let _ = job.answer.send(Err(translate(&error)));
            }
        }
    }
}

/// Every batch, or none of them (false). Nearly always none is refused, and then the savepoints
/// are spared, which would copy each page before its first change in every batch.
fn write_together(connection: &Connection, group: &[Job]) -> Result<bool, Failure> {
    let transaction = Transaction::begin(connection).map_err(Failure::Transaction)?;
    for job in group {
        if !matches!(write_statements(connection, &job.batch), Ok(Ok(()))) {
            return Ok(false);
        }
    }
    transaction.commit().map_err(Failure::Transaction)?;
    Ok(true)
}

fn write_group(
    connection: &Connection,
    group: &[Job],
) -> Result<Vec<Result<(), StoreError>>, Failure> {
    let transaction = Transaction::begin(connection).map_err(Failure::Transaction)?;
    let mut outcomes = Vec::with_capacity(group.len());
    for job in group {
        outcomes.push(write_batch(connection, &job.batch)?);
    }
    if outcomes.iter().any(Result::is_ok) {
        transaction.commit().map_err(Failure::Transaction)?;
    }
    Ok(outcomes)
}

fn write_batch(connection: &Connection, batch: &Batch) -> Result<Result<(), StoreError>, Failure> {
    let bare = |sql: &str| execute(connection, sql, &[]).map(|_| ());
    let outcome = bare("SAVEPOINT batch").and_then(|()| write_statements(connection, batch));
    let outcome = match outcome {
        Ok(Ok(())) => bare("RELEASE batch").map(Ok),
        Ok(Err(refused)) => bare("ROLLBACK TO batch")
            .and_then(|()| bare("RELEASE batch"))
            .map(|()| Err(refused)),
        Err(error) if connection.is_autocommit() => return Err(Failure::TakenBack(error)),
        Err(error) => bare("ROLLBACK TO batch")
            .and_then(|()| bare("RELEASE batch"))
            .map(|()| Err(translate(&error))),
    };
    outcome.map_err(Failure::TakenBack)
}

fn write_statements(
    connection: &Connection,
    batch: &Batch,
) -> rusqlite::Result<Result<(), StoreError>> {
    for statement in &batch.0 {
        let touched = execute(connection, &statement.sql, &statement.args)?;
        match statement.expect {
            Expect::Exactly(expected) if touched != expected => {
                return Ok(Err(StoreError::Refused(statement.otherwise.clone())));
            }
            Expect::Exactly(_) | Expect::Any => {}
        }
    }
    Ok(Ok(()))
}

/// Rolled back unless committed.
struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        execute(connection, "BEGIN IMMEDIATE", &[])?;
        Ok(Self(connection))
    }

    fn commit(self) -> rusqlite::Result<()> {
        execute(self.0, "COMMIT", &[]).map(|_| ())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit()
            && let Err(error) = execute(self.0, "ROLLBACK", &[])
        {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
    }
}
