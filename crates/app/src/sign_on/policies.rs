//! The sign-on policies of an application, as a flow keeps them: read from cached configuration.

use std::sync::Arc;

use stepgate_domain::{
    condition::Condition,
    flow::policy::{
        ActionKind, Method, MultiFactorAuthentication, NoDevicesMode, Policy, PolicyAction,
    },
    resource::Stored,
    resources::{
        device_authentication_policy::DeviceAuthenticationPolicy,
        notifications_policy::NotificationsPolicy,
        sign_on_action::{self, Devices, MultiFactor, SignOnAction, Step},
        sign_on_policy::SignOnPolicy,
        sign_on_policy_assignment::SignOnPolicyAssignment,
    },
};
use uuid::Uuid;

use crate::{
    App,
    error::ManagementError,
    management::{cached, cached_children, cached_default},
    settings,
};

/// The policies assigned to the application by priority; without any, the environment's default.
pub(super) async fn assigned(
    app: &App,
    environment: Uuid,
    application: Uuid,
) -> Result<Vec<Arc<Stored<SignOnPolicy>>>, ManagementError> {
    let assignments =
        cached_children::<SignOnPolicyAssignment>(app, environment, Some(application)).await?;
    let mut policies = Vec::with_capacity(assignments.len().max(1));
    for assignment in assignments.iter() {
        let id = assignment.body.sign_on_policy.id.uuid();
        policies.extend(cached::<SignOnPolicy>(app, environment, id).await?);
    }
    if assignments.is_empty() {
        policies.extend(cached_default::<SignOnPolicy>(app, environment).await?);
    }
    Ok(policies)
}

/// What the flow goes by: the wanted ones in their order, or all when none is named. A policy that
/// was not asked for never stands in for one that was.
pub(super) async fn snapshots(
    app: &App,
    environment: Uuid,
    assigned: &[Arc<Stored<SignOnPolicy>>],
    wanted: &[String],
) -> Result<Vec<Policy>, ManagementError> {
    let named = wanted
        .iter()
        .filter_map(|name| assigned.iter().find(|policy| policy.body.name == *name));
    let chosen: Vec<_> = if wanted.is_empty() {
        assigned.iter().collect()
    } else {
        named.collect()
    };
    let mut policies = Vec::with_capacity(chosen.len());
    for policy in chosen {
        policies.push(snapshot(app, environment, policy).await?);
    }
    Ok(policies)
}

async fn snapshot(
    app: &App,
    environment: Uuid,
    policy: &Stored<SignOnPolicy>,
) -> Result<Policy, ManagementError> {
    let stored = cached_children::<SignOnAction>(app, environment, Some(policy.id.uuid())).await?;
    let mut actions = Vec::with_capacity(stored.len());
    for action in stored.iter() {
        // It was read when it was stored; one that cannot be read now must not switch anything off.
        let condition = action.body.condition.as_ref().map(Condition::parse);
        let kind = match &action.body.step {
            Step::Login(_) => ActionKind::Login,
            Step::MultiFactorAuthentication(action) => ActionKind::MultiFactorAuthentication(
                multi_factor_authentication(app, environment, action).await?,
            ),
        };
        actions.push(PolicyAction {
            condition: condition.and_then(Result::ok),
            kind,
        });
    }
    Ok(Policy {
        id: policy.id.cast(),
        name: policy.body.name.clone(),
        actions,
    })
}

async fn multi_factor_authentication(
    app: &App,
    environment: Uuid,
    action: &MultiFactor,
) -> Result<MultiFactorAuthentication, ManagementError> {
    let named = match &action.devices {
        Devices::Policy(devices) => {
            let id = devices.device_authentication_policy.id.uuid();
            cached::<DeviceAuthenticationPolicy>(app, environment, id).await?
        }
        Devices::Inline(_) => None,
    };
    let policy = match named {
        Some(policy) => policy,
        None => cached_default::<DeviceAuthenticationPolicy>(app, environment)
            .await?
            .ok_or(ManagementError::NotFound(None))?,
    };
    let policy = &policy.body;
    let profile = settings::profile(app, environment).await?;
    let mut sms = Method::from(&policy.sms.within(profile));
    let mut email = Method::from(&policy.email.within(profile));
    if let Devices::Inline(switches) = &action.devices {
        sms.enabled = switches.sms.enabled;
        email.enabled = switches.email.enabled;
    }
    Ok(MultiFactorAuthentication {
        sms,
        email,
        device_selection: policy.authentication.device_selection.into(),
        no_devices_mode: match action.no_devices_mode {
            sign_on_action::NoDevicesMode::Block => NoDevicesMode::Block,
            sign_on_action::NoDevicesMode::Bypass => NoDevicesMode::Bypass,
        },
        ignore_user_lock: policy.ignore_user_lock,
        notifications: notifications(app, environment, policy).await?,
    })
}

async fn notifications(
    app: &App,
    environment: Uuid,
    policy: &DeviceAuthenticationPolicy,
) -> Result<stepgate_domain::authenticator::sending::NotificationPolicy, ManagementError> {
    let named = match &policy.notifications_policy {
        Some(named) => cached::<NotificationsPolicy>(app, environment, named.id.uuid()).await?,
        None => None,
    };
    let policy = match named {
        Some(policy) => Some(policy),
        None => cached_default::<NotificationsPolicy>(app, environment).await?,
    };
    Ok(policy
        .map(|policy| (&policy.body).into())
        .unwrap_or_default())
}
