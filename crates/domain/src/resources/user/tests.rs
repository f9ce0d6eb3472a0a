mod account;

use proptest::prelude::*;

use super::*;
use crate::{
    entropy::Seeded,
    id::Id,
    message::Channel,
    resources::{
        mfa_settings::MfaSettings,
        round_trip::rebuilt_from_view,
        trial::{DEFAULT, NOW, OTHER, build, fault, rebuild, stored, targets},
    },
    schema,
    secret::Secret,
    time::Duration,
    violation::ViolationCode,
};

fn nia() -> User {
    build::<User>(
        json!({ "username": "nia.berg", "email": "nia.berg@corp.example",
        "name": { "given": "Nia", "family": "Berg" } }),
    )
    .unwrap()
    .body
}

#[test]
fn a_person_is_written_to_by_mail_or_at_a_number_that_names_its_country() {
    let to = |members: Value, channel| {
        let mut body = json!({ "username": "nia" });
        schema::merge_patch(&mut body, members);
        let user = build::<User>(body).unwrap().body;
        let to = user.profile.recipient(channel);
        to.map(|to| to.expose().clone())
    };
    let mail = json!({ "email": "nia@corp.example" });
    assert_eq!(
        to(mail.clone(), Channel::Email).as_deref(),
        Some("nia@corp.example")
    );
    assert_eq!(to(mail, Channel::Sms), None);
    let both = json!({ "mobilePhone": "40612345", "primaryPhone": "+47.406 12345" });
    assert_eq!(to(both, Channel::Sms).as_deref(), Some("+4740612345"));
    let unnamed = json!({ "mobilePhone": "40612345" });
    assert_eq!(to(unnamed, Channel::Sms), None);
}

fn view(user: &User) -> Value {
    Value::Object(User::view(&stored(user.clone()), NOW))
}

fn imported(body: Value) -> Result<Imported, Vec<Violation>> {
    import(
        schema::decode(body)?,
        &Context {
            now: NOW,
            entropy: &mut Seeded(1),
            environment: Id::from_uuid(Uuid::from_u128(2)),
            id: Uuid::from_u128(1),
            parent: None,
            defaults: &|_| Some(DEFAULT),
            parent_body: None,
            profile: crate::profile::Profile::Compat,
            client_address_is_known: true,
        },
    )
}

#[test]
fn a_new_user_shows_all_that_clients_rely_on() {
    assert_eq!(
        view(&nia()),
        json!({ "username": "nia.berg", "email": "nia.berg@corp.example", "name": { "given": "Nia", "family": "Berg" },
            "emailVerified": false, "population": { "id": DEFAULT.to_string() }, "enabled": true,
            "lifecycle": { "status": "ACCOUNT_OK" }, "mfaEnabled": false, "verifyStatus": "NOT_INITIATED",
            "account": { "canAuthenticate": true, "status": "OK" }, "identityProvider": { "type": "PING_ONE" } })
    );
}

#[test]
fn read_only_and_unknown_members_are_ignored() {
    let body = json!({ "username": "nia", "enabled": false, "emailVerified": true, "badgeColour": "green",
        "lifecycle": { "status": "VERIFICATION_REQUIRED" }, "password": { "value": "x" }, "mfaEnabled": true,
        "account": { "status": "LOCKED" }, "credentials": { "password": { "hash": "x" } } });
    let user = build::<User>(body).unwrap().body;
    assert!(user.enabled && user.mfa_enabled && !user.email_verified);
    assert_eq!(user.lifecycle.status, LifecycleStatus::AccountOk);
    assert_eq!(*user.credentials, Credentials::default());
}

#[test]
fn every_fault_has_its_place() {
    let body = json!({ "username": "a\u{7}", "name": { "family": "B€rg", "given": "Nia😀" },
        "identityProvider": { "id": OTHER }, "address": { "streetAddress": "A 1\nB", "region": "x\ty" } });
    assert_eq!(
        targets(build::<User>(body)),
        [
            "name.family",
            "address.region",
            "username",
            "identityProvider.id"
        ]
    );
    let body = json!({ "email": "nobody", "locale": "english please", "timezone": "Berlin", "mobilePhone": "none",
        "photo": { "href": "ftp://x" }, "address": { "countryCode": "no" }, "nickname": "" });
    let mut places = targets(build::<User>(body));
    places.sort_unstable();
    let expected = [
        "address.countryCode",
        "email",
        "locale",
        "mobilePhone",
        "nickname",
        "photo.href",
        "timezone",
        "username",
    ];
    assert_eq!(places, expected);
}

#[test]
fn usual_values_are_accepted() {
    for (member, value) in [
        ("timezone", json!("America/Argentina/Buenos_Aires")),
        ("preferredLanguage", json!("en-gb;q=0.8, en;q=0.7")),
        ("locale", json!("es-419")),
        ("mobilePhone", json!("555-0101")),
        (
            "name",
            json!({ "family": "O'Neil-Šćepanović", "given": "अनिर्बान" }),
        ),
        (
            "address",
            json!({ "streetAddress": "Harbour St. 1\nBack door", "postalCode": "0150" }),
        ),
    ] {
        let body = json!({ "username": "x", member: value });
        assert!(build::<User>(body).is_ok(), "{member}");
    }
}

#[test]
fn a_replacement_removes_what_it_leaves_out_and_keeps_what_is_not_its_own() {
    let mut before = nia().enable(false).enable_mfa(true).lock_account(None, NOW);
    before.email_verified = true;
    let body = json!({ "username": "nia", "email": "nia.berg@corp.example", "mfaEnabled": false,
        "population": { "id": OTHER } });
    let after = rebuild(body, &stored(before.clone())).unwrap().body;
    assert_eq!(after.profile.name, None);
    assert!(after.email_verified && after.mfa_enabled && !after.enabled);
    assert_eq!(
        (after.population, &after.credentials),
        (before.population, &before.credentials)
    );
    let moved = json!({ "username": "nia", "email": "other@corp.example" });
    assert!(!rebuild(moved, &stored(before)).unwrap().body.email_verified);
}

#[test]
fn a_patch_merges_and_null_removes() {
    let before = stored(nia());
    let mut body = Value::Object(User::view(&before, NOW));
    schema::merge_patch(
        &mut body,
        json!({ "name": { "given": null, "middle": "K." }, "email": null, "title": "Lead" }),
    );
    let after = rebuild(body, &before).unwrap().body;
    assert_eq!(
        after.profile,
        Profile {
            name: Some(Name {
                family: Some("Berg".into()),
                middle: Some("K.".into()),
                ..Name::default()
            }),
            title: Some("Lead".into()),
            ..Profile::default()
        }
    );
}

#[test]
fn without_a_default_population_one_must_be_named() {
    let draft: UserDraft = schema::decode(json!({ "username": "x" })).unwrap();
    let context = Context {
        now: NOW,
        entropy: &mut Seeded(1),
        environment: Id::from_uuid(Uuid::from_u128(2)),
        id: Uuid::from_u128(1),
        parent: None,
        defaults: &|_| None,
        parent_body: None,
        profile: crate::profile::Profile::Compat,
        client_address_is_known: true,
    };
    let faults = draft.build(None, &context).unwrap_err();
    assert_eq!(
        (faults[0].code, faults[0].target.as_str()),
        (ViolationCode::RequiredValue, "population")
    );
    let named = build::<User>(json!({ "username": "x", "population": { "id": OTHER } }))
        .unwrap()
        .body;
    assert_eq!(named.parent().unwrap().0.to_string(), OTHER);
}

#[test]
fn mfa_is_as_the_settings_say_unless_the_body_says_otherwise() {
    let settings = MfaSettings {
        users: crate::resources::mfa_settings::UserSettings { mfa_enabled: true },
        ..<MfaSettings as crate::resource::Settings>::born().body
    };
    let draft = |body: Value| {
        schema::decode::<UserDraft>(body)
            .unwrap()
            .or_settings(&settings)
            .mfa_enabled
    };
    assert_eq!(draft(json!({ "username": "x" })), Some(true));
    assert_eq!(
        draft(json!({ "username": "x", "mfaEnabled": false })),
        Some(false)
    );
}

#[test]
fn an_import_sets_what_other_bodies_may_not() {
    let imported = imported(
        json!({ "username": "nia", "email": "n@corp.example", "emailVerified": true,
        "password": { "value": "Harbour-7", "forceChange": true },
        "lifecycle": { "status": "VERIFICATION_REQUIRED", "suppressVerificationCode": true } }),
    )
    .unwrap();
    assert!(imported.user.email_verified);
    assert!(!imported.user.may_sign_on(NOW) && imported.user.account(NOW).can_authenticate);
    let password = imported.password.unwrap();
    assert_eq!(
        (password.value.expose().as_str(), password.force_change),
        ("Harbour-7", true)
    );
}

#[test]
fn an_import_refuses_what_is_not_supported() {
    let faults = imported(json!({ "username": "a\u{7}", "email": "n@corp.example",
        "lifecycle": { "status": "VERIFICATION_REQUIRED" }, "password": { "external": { "gateway": { "id": OTHER } } } }))
    .unwrap_err();
    let places: Vec<_> = faults.iter().map(|fault| fault.target.as_str()).collect();
    assert_eq!(
        places,
        [
            "username",
            "password.external",
            "lifecycle.suppressVerificationCode"
        ]
    );
}

#[test]
fn is_found_by_every_attribute_and_unique_by_name() {
    let user = nia();
    assert_eq!(user.unique()[0].value, "nia.berg");
    let shouting = build::<User>(json!({ "username": "NIA.BERG" }))
        .unwrap()
        .body;
    assert_eq!(
        (shouting.username.as_str(), &shouting.unique()),
        ("NIA.BERG", &user.unique())
    );
    let mut terms: Vec<_> = user
        .terms()
        .into_iter()
        .map(|term| format!("{}={}", term.attribute, term.value))
        .collect();
    terms.sort_unstable();
    assert_eq!(
        terms,
        [
            "email=nia.berg@corp.example",
            "enabled=true",
            "name.family=berg",
            "name.given=nia",
            "username=nia.berg"
        ]
    );
    let filterable: Vec<_> = User::FILTER
        .iter()
        .map(|attribute| attribute.name)
        .collect();
    assert!(
        user.terms()
            .iter()
            .all(|term| filterable.contains(&term.attribute.as_str()))
    );
}

#[test]
fn no_answer_shows_a_credential_and_no_debug_output_a_number() {
    let policy = crate::resources::password_policy::PasswordPolicy::standard();
    let mut user = nia().with_password(
        Secret::new("$argon2id$secret".to_owned()),
        false,
        &policy,
        NOW,
    );
    user.profile.mobile_phone = Some("+47.40612345".to_owned());
    assert!(!view(&user).to_string().contains("argon2id"));
    let debug = format!("{user:?}");
    assert!(
        !debug.contains("argon2id") && !debug.contains("40612345"),
        "{debug}"
    );
    let kept: User = serde_json::from_value(serde_json::to_value(&user).unwrap()).unwrap();
    assert_eq!(kept, user);
}

#[test]
fn a_dropped_device_order_is_kept_apart_from_an_empty_one() {
    for order in [None, Some(Vec::new())] {
        let user = nia().with_device_order(order.clone());
        let kept: User = serde_json::from_value(serde_json::to_value(&user).unwrap()).unwrap();
        assert_eq!(kept.credentials.device_order, order);
    }
}

#[test]
fn a_username_is_required_again() {
    let violation = fault(rebuild(
        json!({ "email": "n@corp.example" }),
        &stored(nia()),
    ));
    assert_eq!(
        (violation.code, violation.target.as_str()),
        (ViolationCode::RequiredValue, "username")
    );
}

fn names() -> impl Strategy<Value = String> {
    "[A-Za-zÅåÖöé '.-]{1,12}"
}

proptest! {
    #[test]
    fn putting_back_or_patching_with_nothing_changes_nothing(
        username in "[a-z0-9.@_-]{1,20}",
        given in proptest::option::of(names()),
        family in proptest::option::of(names()),
        title in proptest::option::of(names()),
        email in proptest::option::of("[a-z]{1,8}@[a-z]{1,8}\\.example"),
        verified: bool,
        enabled: bool,
        mfa: bool,
        locked: bool,
    ) {
        let mut body = json!({ "username": username, "email": email, "title": title });
        if given.is_some() || family.is_some() {
            body["name"] = json!({ "given": given, "family": family });
        }
        let mut user = build::<User>(body).unwrap().body.enable(enabled).enable_mfa(mfa);
        user.email_verified = verified;
        if locked {
            user = user.lock_account(None, NOW);
        }
        let before = stored(user);
        prop_assert_eq!(rebuilt_from_view(&before).body, before.body.clone());
        let mut patched = Value::Object(User::view(&before, NOW));
        schema::merge_patch(&mut patched, json!({}));
        prop_assert_eq!(rebuild(patched, &before).unwrap().body, before.body);
    }
}
