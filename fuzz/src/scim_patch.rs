use serde_json::{Value, json};
use stepgate_domain::{
    entropy::Seeded,
    id::Id,
    profile::Profile,
    resource::{Context, Resource, Stored},
    resources::user::User,
    schema,
    violation::Violation,
};
use uuid::Uuid;

use crate::samples::{NOW, environment};

const POPULATION: Uuid = Uuid::from_u128(2);

/// A patch is refused with its faults, or leaves a user whom a replacement by his own answer would
/// not change, and who is the same when the patch comes again. The input is the patch.
pub fn scim_patch(data: &[u8]) {
    let Ok(patch) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    judge_merging(&patch);
    let before = mira();
    match patched(&before, patch.clone()) {
        Err(faults) => {
            assert!(!faults.is_empty());
            let told = |fault: &Violation| !fault.message.is_empty();
            assert!(faults.iter().all(told));
        }
        Ok(user) => {
            assert_eq!(user.population, before.body.population, "moved by a patch");
            assert_eq!(user.enabled, before.body.enabled, "disabled by a patch");
            assert_eq!(user.mfa_enabled, before.body.mfa_enabled);
            assert_eq!(user.credentials, before.body.credentials);
            let written = serde_json::to_string(&user).expect("is JSON");
            assert_eq!(
                serde_json::from_str::<User>(&written).ok().as_ref(),
                Some(&user)
            );
            let after = stored(user);
            let nothing = patched(&after, json!({})).ok();
            assert_eq!(
                nothing.as_ref(),
                Some(&after.body),
                "a user who is not valid"
            );
            let again = patched(&after, patch).ok();
            assert_eq!(again.as_ref(), Some(&after.body));
            let terms = after.body.terms();
            assert!(terms.iter().all(|term| !term.attribute.is_empty()));
        }
    }
}

/// RFC 7396 §2.
fn judge_merging(patch: &Value) {
    let original = Value::Object(User::view(&mira(), NOW));
    let mut merged = original.clone();
    schema::merge_patch(&mut merged, patch.clone());
    let mut twice = merged.clone();
    schema::merge_patch(&mut twice, patch.clone());
    assert_eq!(merged, twice);
    let (Value::Object(patch), Value::Object(original)) = (patch, &original) else {
        assert_eq!(&merged, patch);
        return;
    };
    let merged = merged.as_object().expect("an object stays one");
    for (name, value) in original
        .iter()
        .filter(|(name, _)| !patch.contains_key(*name))
    {
        assert_eq!(merged.get(name), Some(value));
    }
    for (name, value) in patch {
        match value {
            Value::Null => assert_eq!(merged.get(name), None),
            Value::Object(_) => assert!(merged.get(name).is_some_and(|kept| !has_null(kept))),
            other => assert_eq!(merged.get(name), Some(other)),
        }
    }
}

/// In objects; a list is replaced as it is.
fn has_null(value: &Value) -> bool {
    value.as_object().is_some_and(|members| {
        members
            .values()
            .any(|value| value.is_null() || has_null(value))
    })
}

/// As the management API patches.
fn patched(previous: &Stored<User>, patch: Value) -> Result<User, Vec<Violation>> {
    let mut merged = Value::Object(User::view(previous, NOW));
    schema::merge_patch(&mut merged, patch);
    built(merged, Some(previous))
}

fn built(body: Value, previous: Option<&Stored<User>>) -> Result<User, Vec<Violation>> {
    let mut context = Context {
        now: NOW,
        entropy: &mut Seeded(1),
        environment: environment(),
        id: Uuid::from_u128(1),
        parent: None,
        defaults: &|_| Some(POPULATION),
        parent_body: None,
        profile: Profile::Compat,
        client_address_is_known: true,
    };
    User::build(schema::decode(body)?, previous, &mut context).map(|built| built.body)
}

fn mira() -> Stored<User> {
    let draft = json!({
        "username": "mira.k",
        "email": "mira.k@example.test",
        "name": { "given": "Mira", "family": "K", "honorificPrefix": "Dr." },
        "mobilePhone": "+47.12345642",
        "locale": "nb",
        "address": { "locality": "Oslo", "countryCode": "NO" },
        "externalId": "4711",
    });
    stored(built(draft, None).expect("is a user"))
}

fn stored(body: User) -> Stored<User> {
    Stored {
        id: Id::from_uuid(Uuid::from_u128(1)),
        environment: environment(),
        parent: Some(POPULATION),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
        is_default: false,
        members: 0,
        body,
    }
}
