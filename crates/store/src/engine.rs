//! What the rest of Stepgate may ask of a database: one consistent read, and one batch of writes
//! that happens whole or not at all.

use std::{borrow::Cow, mem, time::Duration};

use async_trait::async_trait;

use crate::health::Health;

/// A parameter or a column. `NULL` carries its type, because `PostgreSQL` must know it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Bytes(Vec<u8>),
    NullText,
    NullInteger,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}
impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Integer(i64::from(truth))
    }
}
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::NullText, Self::Text)
    }
}
impl From<Option<i64>> for Value {
    fn from(integer: Option<i64>) -> Self {
        integer.map_or(Self::NullInteger, Self::Integer)
    }
}

/// The type of a column, for messages: a value may be a secret.
const fn name_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "no such column",
        Some(Value::Text(_)) => "text",
        Some(Value::Integer(_)) => "an integer",
        Some(Value::Bytes(_)) => "bytes",
        Some(Value::NullText | Value::NullInteger) => "NULL",
    }
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(StoreError::Decode(format!(
                "text expected in column {column}, found {}",
                name_of(other)
            ))),
        }
    }
    /// The text, which is then no longer in the row.
    pub fn take_text(&mut self, column: usize) -> Result<String, StoreError> {
        match self.0.get_mut(column) {
            Some(Value::Text(text)) => Ok(mem::take(text)),
            _ => self.text(column).map(str::to_owned),
        }
    }
    pub fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Integer(integer)) => Ok(*integer),
            other => Err(StoreError::Decode(format!(
                "integer expected in column {column}, found {}",
                name_of(other)
            ))),
        }
    }
    pub fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            other => Err(StoreError::Decode(format!(
                "bytes expected in column {column}, found {}",
                name_of(other)
            ))),
        }
    }
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.0.get(column) {
            Some(Value::NullText | Value::NullInteger) => Ok(None),
            _ => self.text(column).map(Some),
        }
    }
    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::NullText | Value::NullInteger) => Ok(None),
            _ => self.integer(column).map(Some),
        }
    }
}

/// What a statement that did not do its part tells the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The row has another version than the one that was judged by.
    Stale,
    /// The row is not there.
    Missing,
    /// Another object has this value; `target` is the member to blame.
    NotUnique { target: String },
    /// The mentioned object does not exist; `target` is the member that mentions it.
    BrokenReference { target: String },
    /// The thing that works once has worked already.
    Consumed(Once),
}

/// What works once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    Hint,
    AuthorizationCode,
    RefreshToken,
    /// Works until it is revoked, for all its tokens at once.
    TokenFamily,
}

/// How many rows a statement must touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    Any,
    Exactly(u64),
}

/// One write, in SQL that both engines speak: parameters `$1`, `$2`, …
#[derive(Debug, Clone)]
pub struct Statement {
    pub sql: Cow<'static, str>,
    pub args: Vec<Value>,
    pub expect: Expect,
    pub otherwise: Fault,
}

impl Statement {
    /// A write that may touch any number of rows.
    pub fn new(sql: impl Into<Cow<'static, str>>, args: Vec<Value>) -> Self {
        Self {
            sql: sql.into(),
            args,
            expect: Expect::Any,
            otherwise: Fault::Missing,
        }
    }
    /// The write must touch exactly one row, or the whole batch fails with `otherwise`.
    #[must_use]
    pub fn once(mut self, otherwise: Fault) -> Self {
        self.expect = Expect::Exactly(1);
        self.otherwise = otherwise;
        self
    }
}

/// Writes that happen together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch(pub Vec<Statement>);

impl Batch {
    pub fn push(&mut self, statement: Statement) {
        self.0.push(statement);
    }
    pub fn extend(&mut self, statements: impl IntoIterator<Item = Statement>) {
        self.0.extend(statements);
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the batch was refused: {0:?}")]
    Refused(Fault),
    #[error("another object still refers to this one")]
    StillReferenced,
    #[error("a stored value has an unexpected shape: {0}")]
    Decode(String),
    #[error("the data directory is in use by another process")]
    Locked,
    #[error("the disk is full")]
    DiskFull,
    #[error("the files of the database cannot be read or written: {0}")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the query took too long and was given up")]
    TooLong,
    #[error("the database file is damaged: {0}")]
    Damaged(String),
    #[error(
        "the database has schema version {found}, newer than the {known} that this binary knows: use a newer stepgate"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error("the database failed: {0}")]
    Driver(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the database is shutting down")]
    Closed,
}

/// What a commit is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durability {
    /// `sqlite`
    pub engine: &'static str,
    /// The database's own word: `full`, `normal`, `off`.
    pub synchronous: String,
}

/// What a database has done since it was opened, and what it does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    pub queries: u64,
    /// Batches that were committed.
    pub commits: u64,
    /// Transactions that carried them: each waited once for the disk.
    pub groups: u64,
    /// Batches that wait for the writer.
    pub waiting_commits: u64,
    /// Short queries that are being answered beside the writer.
    pub busy_readers: u64,
    /// Long queries that are being answered or wait for it.
    pub long_queries: u64,
}

/// A database.
#[async_trait]
pub trait Engine: std::fmt::Debug + Send + Sync + 'static {
    /// One consistent read.
    async fn query(&self, sql: Cow<'static, str>, args: Vec<Value>)
    -> Result<Vec<Row>, StoreError>;

    /// Its figures, without asking the database.
    fn statistics(&self) -> Statistics;

    /// Which database this is, and how durable a commit is, as the database itself reports it.
    async fn durability(&self) -> Result<Durability, StoreError>;

    /// Whether it can write, as the last commit showed.
    fn health(&self) -> &Health;

    /// All of the batch or nothing of it. It is on disk when this returns.
    async fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// How long the oldest commit has waited that is not answered; zero when none waits.
    fn longest_wait(&self) -> Duration;
}
