//! What a managed type says about itself, so that one mechanism can list, create, read, replace,
//! patch and delete them all.

mod filter;
mod kind;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use self::{
    filter::{FilterAttribute, FilterSource, OrderAttribute, Term},
    kind::{Family, Kind, NotFoundMessage, ORGANIZATION_SPACE, Scope},
};
use crate::{
    access::Carries, entropy::Entropy, id::Id, name, profile::Profile,
    resources::environment::Environment, schema, secret::Secret, time::Timestamp,
    violation::Violation,
};

/// Facts and sources that a draft may be built with.
pub struct Context<'a> {
    pub now: Timestamp,
    pub entropy: &'a mut dyn Entropy,
    pub environment: Id<Environment>,
    /// The id that the object will have, or has.
    pub id: Uuid,
    pub parent: Option<Uuid>,
    /// The default object of each kind named in [`Resource::NEEDS_DEFAULTS`], when there is one.
    pub defaults: &'a dyn Fn(&Kind) -> Option<Uuid>,
    /// The owner's document, when [`Resource::NEEDS_PARENT`].
    pub parent_body: Option<&'a Value>,
    /// The environment's, when [`Resource::NEEDS_PROFILE`].
    pub profile: Profile,
    /// Whether the server can tell clients' addresses from those of proxies.
    pub client_address_is_known: bool,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a draft became.
#[derive(Debug)]
pub struct Built<R> {
    pub body: R,
    pub default: DefaultMark,
    /// Members to be sealed beside the document, by name. `None` erases one. On a replacement the
    /// ones not named stay.
    pub secrets: Vec<(&'static str, Option<Secret<String>>)>,
}

impl<R> From<R> for Built<R> {
    fn from(body: R) -> Self {
        Self {
            body,
            default: DefaultMark::Keep,
            secrets: Vec::new(),
        }
    }
}

/// What happens to "the default one of its kind".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DefaultMark {
    #[default]
    Keep,
    /// This becomes the default, and the one before is it no more.
    Set,
    /// If this is the default, there is none any more.
    Clear,
}

/// A value that only one object may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueKey {
    /// Which of the kind's unique attributes this is.
    pub name: &'static str,
    /// Folded as it is compared.
    pub value: String,
    /// Unique among the owner's objects instead of the environment's.
    pub within_parent: bool,
    /// The member to blame.
    pub target: &'static str,
}

impl UniqueKey {
    /// The usual case: the object's name, unique in the environment.
    pub fn name(value: &str) -> Self {
        Self::named("name", value)
    }

    /// Another member that is compared as names are, unique in the environment.
    pub fn named(member: &'static str, value: &str) -> Self {
        Self {
            name: member,
            value: name::fold(value),
            within_parent: false,
            target: member,
        }
    }
}

/// A mention of another object, which must exist and then cannot be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Place in the body, such as `scopes[0].id`.
    pub target: String,
    pub kind: &'static Kind,
    pub id: Uuid,
    /// The owner that the mentioned object must have.
    pub parent: Option<Uuid>,
    /// Deleting the mentioned object removes the mention instead of being refused.
    pub weak: bool,
}

impl Reference {
    pub fn to(kind: &'static Kind, id: Uuid, target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            kind,
            id,
            parent: None,
            weak: false,
        }
    }

    /// The member to blame when the mention is wrong. Mentions that must all have one owner are
    /// blamed together: `scopes` for `scopes[1].id`.
    pub fn blamed(&self) -> &str {
        match self.parent {
            Some(_) => self.target.split('[').next().unwrap_or(&self.target),
            None => &self.target,
        }
    }
}

/// A stored object.
#[derive(Debug, Clone)]
pub struct Stored<R> {
    pub id: Id<R>,
    pub environment: Id<Environment>,
    pub parent: Option<Uuid>,
    /// Raised by every write; the ETag.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub is_default: bool,
    /// How many objects of [`Resource::COUNTED_MEMBERS`] it owns, or mention it.
    pub members: u64,
    pub body: R,
}

/// Where a link leads.
#[derive(Debug, Clone)]
pub enum Link {
    /// Below the object itself: `"/secret"`; `""` is the object.
    Below(&'static str),
    /// Below the environment: `"/populations/…"`.
    Environment(String),
    /// Below `/v1`: `"/organizations/…"`.
    Root(String),
}

/// A member of answers that is none of the stored body, for the description of the API.
#[derive(Debug, Clone)]
pub struct ViewMember {
    pub name: &'static str,
    /// JSON Schema.
    pub schema: Value,
    pub is_always_there: bool,
}

impl ViewMember {
    pub fn always(name: &'static str, schema: impl Into<Value>) -> Self {
        Self {
            name,
            schema: schema.into(),
            is_always_there: true,
        }
    }

    pub fn sometimes(name: &'static str, schema: impl Into<Value>) -> Self {
        Self {
            is_always_there: false,
            ..Self::always(name, schema)
        }
    }
}

/// How a collection is paged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// One page, unless the client sends `limit`.
    Whole,
    /// Pages of `default` items, at most `maximum`.
    Pages { default: u32, maximum: u32 },
}

pub trait Resource:
    Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static
{
    const KIND: &'static Kind;
    /// The part that clients write. Every rule that JSON Schema can say is said there.
    type Draft: DeserializeOwned + JsonSchema + Send + 'static;

    const PAGING: Paging = Paging::Whole;
    const FILTER: &'static [FilterAttribute] = &[];
    const ORDER: &'static [OrderAttribute] = &[];
    /// PATCH exists only where the contract lists it.
    const PATCHABLE: bool = false;
    const NEEDS_DEFAULTS: &'static [&'static Kind] = &[];
    const NEEDS_PARENT: bool = false;
    const NEEDS_PROFILE: bool = false;
    /// A set with an invariant: whoever changes the set raises the owner's revision, so that two
    /// changes at once cannot both pass [`Self::may_join`] or [`Self::may_leave`].
    const GUARDED_SET: bool = false;
    /// A kind whose number per object of this kind is kept and shown.
    const COUNTED_MEMBERS: Option<&'static Kind> = None;

    /// Applies the rules that span members. `draft` has passed its schema, so its members have
    /// their types, sizes and ranges.
    fn build(
        draft: Self::Draft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>>;

    /// The owner of an object that is not nested in its owner's path.
    fn parent(&self) -> Option<(Uuid, &'static str)> {
        None
    }
    /// The address that messages to this object go to. Counters know it by a keyed hash.
    fn address(&self) -> Option<String> {
        None
    }
    /// What the audit trail calls the object, where its id says too little.
    fn title(&self) -> Option<String> {
        None
    }
    /// Whom tokens for it name, and so nobody else.
    fn audience(&self) -> Option<&str> {
        None
    }
    /// An id that the object's name could be taken for, and the member with the name.
    fn taken_for(&self) -> Option<(Uuid, &'static str)> {
        None
    }
    fn unique(&self) -> Vec<UniqueKey> {
        Vec::new()
    }
    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }
    fn terms(&self) -> Vec<Term> {
        Vec::new()
    }
    /// How roles work through the object. Of most, not at all.
    fn carries(&self, _now: Timestamp) -> Carries {
        Carries::default()
    }
    /// Whether one more may be added to `siblings` that are there.
    fn may_join(&self, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        Ok(())
    }
    /// Whether `stored` may go from among `siblings` (itself included).
    fn may_leave(_stored: &Stored<Self>, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        Ok(())
    }
    /// The order in which a whole collection is listed.
    fn arrange(_items: &mut [Stored<Self>]) {}
    /// The members of the answer between `environment` and `createdAt`.
    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        stored.body_members()
    }
    /// The members that [`Self::view`] adds to the body's own, or shows in another form.
    fn view_members(_generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        Vec::new()
    }
    /// Relations besides `self`, `environment` and the owner.
    fn links(_stored: &Stored<Self>) -> Vec<(&'static str, Link)> {
        Vec::new()
    }
}

impl<R: Serialize + JsonSchema + 'static> Stored<R> {
    /// Those that the type's schema names: no [`Hidden`](crate::hidden::Hidden) one.
    pub fn body_members(&self) -> Map<String, Value> {
        match serde_json::to_value(&self.body) {
            Ok(Value::Object(mut members)) => {
                schema::retain_members::<R>(&mut members);
                members
            }
            Ok(_) | Err(_) => Map::new(),
        }
    }
}

/// Settings of which every environment has one, born with it.
pub trait Settings: Resource<Draft = Self> {
    /// As people call it.
    const TITLE: &'static str;

    /// What a new environment has, and what a reset goes back to.
    fn born() -> Built<Self>;
}

/// The state forbids what was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// 400 `INVALID_DATA` with this detail.
    Invalid(Violation),
    /// 400 `REQUEST_FAILED` with this detail.
    Failed(Violation),
}
