//! The management API: every managed type, and the verbs that are not plain changes.

use axum::http::StatusCode;
use stepgate_domain::resources::{
    api_resource::ApiResource, application::Application,
    device_authentication_policy::DeviceAuthenticationPolicy, grant::Grant,
    notifications_policy::NotificationsPolicy, organization::Organization,
    password_policy::PasswordPolicy, population::Population, scope::Scope,
    sign_on_action::SignOnAction, sign_on_policy::SignOnPolicy,
    sign_on_policy_assignment::SignOnPolicyAssignment,
};

use crate::{
    api::Api,
    crud::{crud, crud_created_with, read_only},
};

pub(super) fn operations(api: Api) -> Api {
    api.then(read_only::<Organization>)
        .then(crud::<Application>)
        .then(crud::<ApiResource>)
        .then(crud::<Scope>)
        .then(crud::<Grant>)
        .then(crud::<SignOnPolicy>)
        .then(crud::<SignOnAction>)
        .then(crud::<SignOnPolicyAssignment>)
        .then(crud::<Population>)
        .then(crud::<PasswordPolicy>)
        .then(crud::<DeviceAuthenticationPolicy>)
        .then(|api| crud_created_with::<NotificationsPolicy>(api, StatusCode::OK))
}
