//! What a GET answers can be PUT back: for the tests of each kind.

use serde_json::Value;

use super::trial::{NOW, rebuild};
use crate::resource::{Built, Resource, Stored};

pub(crate) fn rebuilt_from_view<R: Resource>(stored: &Stored<R>) -> Built<R> {
    rebuild(Value::Object(R::view(stored, NOW)), stored).unwrap()
}

#[test]
fn every_rule_that_a_body_states_is_enforced() {
    use crate::{password, resources, schema::unknown_keywords};
    let unknown = [
        unknown_keywords::<<resources::population::Population as Resource>::Draft>(),
        unknown_keywords::<<resources::password_policy::PasswordPolicy as Resource>::Draft>(),
        unknown_keywords::<<resources::notifications_policy::NotificationsPolicy as Resource>::Draft>(),
        unknown_keywords::<
            <resources::device_authentication_policy::DeviceAuthenticationPolicy as Resource>::Draft,
        >(),
        unknown_keywords::<resources::mfa_settings::MfaSettings>(),
        unknown_keywords::<resources::security_profile::SecurityProfile>(),
        unknown_keywords::<resources::user::UserDraft>(),
        unknown_keywords::<resources::user::ImportDraft>(),
        unknown_keywords::<resources::user::BypassMfaDraft>(),
        unknown_keywords::<resources::device::DeviceDraft>(),
        unknown_keywords::<resources::device::ActivateDraft>(),
        unknown_keywords::<resources::device::NicknameDraft>(),
        unknown_keywords::<resources::device::order::ReorderDraft>(),
        unknown_keywords::<password::SetDraft>(),
        unknown_keywords::<password::SetValueDraft>(),
        unknown_keywords::<password::ResetDraft>(),
        unknown_keywords::<password::CheckDraft>(),
    ];
    assert_eq!(unknown.concat(), [] as [String; 0]);
}

#[test]
fn an_answer_has_no_member_that_the_types_schema_does_not_name() {
    use schemars::JsonSchema;
    use serde::Serialize;

    use crate::hidden::Hidden;

    #[derive(Clone, Serialize, JsonSchema)]
    struct Account {
        name: &'static str,
        // Left out, this does not compile: what is hidden has no schema.
        #[schemars(skip)]
        secret: Hidden<&'static str>,
    }

    let account = Stored {
        id: crate::id::Id::from_uuid(uuid::Uuid::nil()),
        environment: crate::id::Id::from_uuid(uuid::Uuid::nil()),
        parent: None,
        version: 1,
        created_at: NOW,
        updated_at: NOW,
        is_default: false,
        members: 0,
        body: Account {
            name: "mira.k",
            secret: "hush".into(),
        },
    };
    let stored = serde_json::to_value(&account.body).unwrap();
    assert_eq!(stored["secret"], "hush");
    let shown = Value::Object(account.body_members());
    assert_eq!(shown, serde_json::json!({ "name": "mira.k" }));
}
