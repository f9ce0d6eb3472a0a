//! What the tests of the resource files share.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    entropy::Seeded,
    id::Id,
    resource::{Built, Context, Resource, Stored},
    time::Timestamp,
    violation::Violation,
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
pub(crate) const DEFAULT: Uuid = Uuid::from_u128(0xd1a5);

pub(crate) fn with_context<T>(use_it: impl FnOnce(&mut Context<'_>) -> T) -> T {
    use_it(&mut Context {
        now: NOW,
        entropy: &mut Seeded(1),
        environment: Id::from_uuid(Uuid::from_u128(0x9e0a)),
        id: Uuid::from_u128(1),
        parent: None,
        defaults: &|_| Some(DEFAULT),
        parent_body: None,
    })
}

fn read<R: Resource>(body: Value) -> R::Draft {
    serde_json::from_value(body).unwrap()
}

pub(crate) fn build<R: Resource>(body: Value) -> Result<Built<R>, Vec<Violation>> {
    with_context(|context| R::build(read::<R>(body), None, context))
}

pub(crate) fn rebuild<R: Resource>(body: Value, previous: &Stored<R>) -> Result<Built<R>, Vec<Violation>> {
    with_context(|context| R::build(read::<R>(body), Some(previous), context))
}

/// A PUT of what a GET answers.
pub(crate) fn rebuilt_from_view<R: Resource>(stored: &Stored<R>) -> Built<R> {
    rebuild(Value::Object(R::view(stored, NOW)), stored).unwrap()
}

pub(crate) fn stored<R>(body: R) -> Stored<R> {
    Stored {
        id: Id::from_uuid(Uuid::from_u128(1)),
        environment: Id::from_uuid(Uuid::from_u128(0x9e0a)),
        parent: None,
        version: 1,
        created_at: NOW,
        updated_at: NOW,
        is_default: false,
        members: 0,
        body,
    }
}

pub(crate) fn targets(result: Result<impl std::fmt::Debug, Vec<Violation>>) -> Vec<String> {
    result.unwrap_err().into_iter().map(|violation| violation.target).collect()
}
