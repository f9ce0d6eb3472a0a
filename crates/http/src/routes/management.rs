//! The management API: every managed type, and the verbs that are not plain changes.

use axum::http::StatusCode;
use stepgate_app::sign_on_policies;
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
    call::Call,
    crud::{crud, crud_created_with, deletion, permanent, read_only},
    error::management::ApiError,
    reply::Reply,
};

pub(super) fn operations(api: Api) -> Api {
    api.then(read_only::<Organization>)
        .then(crud::<Application>)
        .then(crud::<ApiResource>)
        .then(crud::<Scope>)
        .then(crud::<Grant>)
        .then(|api| permanent::<SignOnPolicy>(api, StatusCode::CREATED))
        .op(deletion::<SignOnPolicy, _, _>(remove_sign_on_policy))
        .then(crud::<SignOnAction>)
        .then(crud::<SignOnPolicyAssignment>)
        .then(crud::<Population>)
        .then(crud::<PasswordPolicy>)
        .then(crud::<DeviceAuthenticationPolicy>)
        .then(|api| crud_created_with::<NotificationsPolicy>(api, StatusCode::OK))
}

async fn remove_sign_on_policy(call: Call) -> Result<Reply, ApiError> {
    sign_on_policies::remove(&call.target::<SignOnPolicy>()?).await?;
    Ok(Reply::no_content())
}
