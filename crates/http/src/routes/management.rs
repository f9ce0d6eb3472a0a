//! The management API: every managed type, and the verbs that are not plain changes.

use axum::http::StatusCode;
use stepgate_app::sign_on_policies as policies;
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
    api.tagged("Organizations", read_only::<Organization>)
        .tagged("Applications", crud::<Application>)
        .tagged("Resources", crud::<ApiResource>)
        .tagged("Resources", crud::<Scope>)
        .tagged("Applications", crud::<Grant>)
        .tagged("Sign-on policies", sign_on_policies)
        .tagged("Sign-on policies", crud::<SignOnAction>)
        .tagged("Applications", crud::<SignOnPolicyAssignment>)
        .tagged("Populations", crud::<Population>)
        .tagged("Password policies", crud::<PasswordPolicy>)
        .tagged("MFA policies", crud::<DeviceAuthenticationPolicy>)
        .tagged("Notifications", |api| {
            crud_created_with::<NotificationsPolicy>(api, StatusCode::OK)
        })
}

fn sign_on_policies(api: Api) -> Api {
    permanent::<SignOnPolicy>(api, StatusCode::CREATED)
        .op(deletion::<SignOnPolicy, _, _>(remove_sign_on_policy))
}

async fn remove_sign_on_policy(call: Call) -> Result<Reply, ApiError> {
    policies::remove(&call.target::<SignOnPolicy>()?).await?;
    Ok(Reply::no_content())
}
