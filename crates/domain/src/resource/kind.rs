//! Kinds of managed objects: their names, their tables, their place in the path.

use uuid::Uuid;

use crate::access::Area;

/// Which tables hold the rows of a kind. All families have the same shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Low volume, read on every request, cached by document.
    Configuration,
    User,
    Device,
    /// The roles that users hold. A family of its own, because its rows go with their user.
    UserRole,
}

/// Kinds are the same when their names are.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Kind {}

/// A kind of managed object: its names, its tables, its place in the path.
#[derive(Debug)]
pub struct Kind {
    /// Name in storage, and the member by which its children name it (`application{id}`).
    pub name: &'static str,
    /// Path segment, and key in `_embedded`.
    pub collection: &'static str,
    pub family: Family,
    pub area: Area,
    /// The owner: deleting it deletes this.
    pub parent: Option<&'static Kind>,
    /// Whether the path runs through the parent (`/applications/{applicationID}/grants`). A user
    /// has a population for parent, but not in its path.
    pub nested: bool,
    /// Objects of the organization stand outside every environment (`/v1/environments`).
    pub scope: Scope,
    /// The beginning of the 404 message, or `None` for the generic sentence.
    pub not_found: Option<NotFoundMessage>,
}

impl Kind {
    /// The usual case: configuration of an environment, of which one path lists all.
    pub const fn new(name: &'static str, collection: &'static str, area: Area) -> Self {
        Self {
            name,
            collection,
            family: Family::Configuration,
            area,
            parent: None,
            nested: false,
            scope: Scope::Environment,
            not_found: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Organization,
    Environment,
}

/// The environment under which the objects of the organization are stored.
pub const ORGANIZATION_SPACE: Uuid = Uuid::nil();

/// Builds the text that clients compare: (id, environment id).
pub type NotFoundMessage = fn(&str, &str) -> String;
