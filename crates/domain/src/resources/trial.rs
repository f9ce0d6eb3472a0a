//! What the tests of the resource files share: bodies go the way that a request's body goes.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    entropy::Seeded,
    id::Id,
    profile::Profile,
    resource::{Built, Context, Resource, Stored},
    schema,
    time::Timestamp,
    violation::Violation,
};

/// 2026-01-31T12:00:00Z
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
pub(crate) const DEFAULT: Uuid = Uuid::from_u128(0xd1a5);
pub(crate) const OTHER: &str = "33333333-3333-4333-8333-333333333333";

pub(crate) fn build_in<R: Resource>(
    body: Value,
    previous: Option<&Stored<R>>,
    parent: Option<&Value>,
) -> Result<Built<R>, Vec<Violation>> {
    let mut context = Context {
        now: NOW,
        entropy: &mut Seeded(1),
        environment: Id::from_uuid(Uuid::from_u128(0x9e0a)),
        id: Uuid::from_u128(1),
        parent: None,
        defaults: &|kind| R::NEEDS_DEFAULTS.contains(&kind).then_some(DEFAULT),
        parent_body: parent.filter(|_| R::NEEDS_PARENT),
        profile: Profile::Compat,
        client_address_is_known: true,
    };
    R::build(schema::decode(body)?, previous, &mut context)
}

pub(crate) fn build<R: Resource>(body: Value) -> Result<Built<R>, Vec<Violation>> {
    build_in(body, None, None)
}

pub(crate) fn rebuild<R: Resource>(
    body: Value,
    previous: &Stored<R>,
) -> Result<Built<R>, Vec<Violation>> {
    build_in(body, Some(previous), None)
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

/// Where the faults are.
pub(crate) fn targets<R>(result: Result<Built<R>, Vec<Violation>>) -> Vec<String> {
    let faults = result.err().unwrap_or_default();
    faults.into_iter().map(|fault| fault.target).collect()
}

/// The only fault.
pub(crate) fn fault<R>(result: Result<Built<R>, Vec<Violation>>) -> Violation {
    let mut faults = result.err().unwrap_or_default();
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}
