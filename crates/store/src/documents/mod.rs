//! Any managed object, as statements and queries: the document, its unique keys, its references,
//! its filterable terms and the counts kept with it.

mod list;
mod parts;
mod read;
mod tables;
mod write;

use std::fmt;

use stepgate_domain::{
    resource::{DefaultMark, Kind, Reference, Scope, Term, UniqueKey},
    time::Timestamp,
};
use uuid::Uuid;

pub use list::{ListError, ListQuery, Order, Page, list};
pub use read::{default_of, environment_of, find, mentioning, owners_with, read, read_within};
pub use write::{delete, insert, raise, replace, reseal, rewrite, unmentioned};

use crate::engine::{Row, StoreError};
pub(crate) use tables::{Tables, tables};

/// The reserved environment that holds the objects of the organization.
pub const ORGANIZATION_SPACE: Uuid = Uuid::nil();

/// The environment under which objects of the kind are stored.
pub fn space(kind: &Kind, environment: Uuid) -> Uuid {
    match kind.scope {
        Scope::Organization => ORGANIZATION_SPACE,
        Scope::Environment => environment,
    }
}

/// A stored object.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// [`ORGANIZATION_SPACE`] for objects of the organization.
    pub environment: Uuid,
    pub id: Uuid,
    pub parent: Option<Uuid>,
    /// 1 when new, raised by every write.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub is_default: bool,
    /// How many objects of the counted kind it owns or is mentioned by; 0 when none was asked for.
    pub members: u64,
    /// JSON.
    pub body: String,
    /// Sealed members.
    pub secrets: Option<String>,
    /// See [`Draft::subject`].
    pub subject: Option<String>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("environment", &self.environment)
            .field("id", &self.id)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What an object is to become.
#[derive(Clone)]
pub struct Draft {
    pub kind: &'static Kind,
    /// The environment of the call; objects of the organization find their own place.
    pub environment: Uuid,
    pub id: Uuid,
    pub parent: Option<Uuid>,
    pub now: Timestamp,
    /// JSON.
    pub body: String,
    /// Sealed members, all of them: on a replacement these take the place of the ones before.
    pub secrets: Option<String>,
    /// The counter that is kept for what the object stands for rather than for its id
    /// (`address:{keyed hash}`), read together with it by [`crate::facts`].
    pub subject: Option<String>,
    /// None: those that it has stay.
    pub unique: Option<Vec<UniqueKey>>,
    /// Only configuration is held in place by a mention; a mentioned user or device must exist
    /// when the mention is written.
    pub references: Vec<Reference>,
    pub terms: Vec<Term>,
    pub default: DefaultMark,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("kind", &self.kind.name)
            .field("environment", &self.environment)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The columns that [`Tables::columns`] selects, in its order.
pub(crate) fn document(environment: Uuid, row: &Row) -> Result<Document, StoreError> {
    Ok(Document {
        environment,
        id: uuid(row.text(0)?)?,
        parent: row.optional_text(1)?.map(uuid).transpose()?,
        version: row.integer(2)?,
        created_at: Timestamp::from_millis(row.integer(3)?),
        updated_at: Timestamp::from_millis(row.integer(4)?),
        is_default: row.integer(5)? != 0,
        members: u64::try_from(row.integer(6)?).unwrap_or_default(),
        body: row.text(7)?.to_owned(),
        secrets: row.optional_text(8)?.map(str::to_owned),
        subject: row.optional_text(9)?.map(str::to_owned),
    })
}

pub(crate) fn uuid(text: &str) -> Result<Uuid, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Decode("a UUID expected".to_owned()))
}
