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
