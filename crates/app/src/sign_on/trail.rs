//! What the audit trail keeps of a sign-on.

use std::borrow::Cow;

use stepgate_domain::{
    audit::{Action, Actor, Actors, AuditEvent, AuditStatus, AuditedResource, Source},
    flow::{AuditEvent as FlowEvent, Flow, UserFacts, effect::BypassReason},
    id::Id,
    resources::{device::DEVICE, user::USER},
    time::Timestamp,
};
use stepgate_store::engine::Statement;

use super::Visitor;
use crate::audit;

/// What is written down, in the words of the trail.
pub(super) struct Entry {
    action: Action,
    status: AuditStatus,
    text: Cow<'static, str>,
    about: Option<AuditedResource>,
    named: Option<AuditedResource>,
}

impl Entry {
    pub(super) const fn new(action: Action, status: AuditStatus, text: &'static str) -> Self {
        Self {
            action,
            status,
            text: Cow::Borrowed(text),
            about: None,
            named: None,
        }
    }

    /// Who has the name that a stranger typed.
    pub(super) fn naming(self, user: Option<&UserFacts>) -> Self {
        let named = user.map(|user| AuditedResource::new(&USER, user.id).named(&user.username));
        Self { named, ..self }
    }

    fn about(self, resource: AuditedResource) -> Self {
        Self {
            about: Some(resource),
            ..self
        }
    }

    fn text(self, text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            ..self
        }
    }

    pub(super) fn of(event: &FlowEvent) -> Self {
        use AuditStatus::{Failed, Success};
        let device = |id| AuditedResource::new(&DEVICE, id);
        match event {
            FlowEvent::FlowStarted { hinted } => {
                let text = if *hinted {
                    "Sign-on begun for a hinted user"
                } else {
                    "Sign-on begun"
                };
                Self::new(Action::FLOW_CREATED, Success, text)
            }
            FlowEvent::UserLookedUp { found: true } => {
                Self::new(Action::FLOW_UPDATED, Success, "A username was given")
            }
            FlowEvent::UserLookedUp { found: false } => Self::new(
                Action::FLOW_UPDATED,
                Failed,
                "A username was given that cannot sign on",
            ),
            FlowEvent::CodeSent { device: id, .. } => Self::new(
                Action::NOTIFICATION_CREATED,
                Success,
                "A passcode was queued",
            )
            .about(device(*id)),
            FlowEvent::CodeForNobody => Self::new(
                Action::NOTIFICATION_CREATED,
                Failed,
                "Nobody can get a passcode by this username",
            ),
            FlowEvent::CodeAccepted { device: id } => {
                Self::new(Action::OTP_CHECK_SUCCESS, Success, "Passcode accepted")
                    .about(device(*id))
            }
            FlowEvent::CodeRefused {
                device: id,
                attempts_remaining,
            } => {
                let action = if *attempts_remaining == 0 {
                    Action::OTP_CHECK_FAILED
                } else {
                    Action::OTP_CHECK_INVALID
                };
                Self {
                    about: id.map(device),
                    ..Self::new(action, Failed, "Passcode refused")
                }
            }
            FlowEvent::DeviceLocked { device: id, .. } => Self::new(
                Action::DEVICE_LOCKED,
                Success,
                "Locked because of wrong passcodes",
            )
            .about(device(*id)),
            FlowEvent::AccountLocked { .. } => Self::new(
                Action::USER_LOCKED,
                Success,
                "Locked because of wrong passcodes",
            ),
            FlowEvent::PasswordAccepted => Self::new(
                Action::PASSWORD_CHECK_SUCCEEDED,
                Success,
                "Password accepted",
            ),
            FlowEvent::PasswordRefused => {
                Self::new(Action::PASSWORD_CHECK_FAILED, Failed, "Password refused")
            }
            FlowEvent::MfaBypassed { reason } => {
                let text = match reason {
                    BypassReason::User => "MFA left out: the user's bypass is active",
                    BypassReason::NoDevices => "MFA left out: the user has no device",
                };
                Self::new(Action::FLOW_UPDATED, Success, text)
            }
            FlowEvent::DeliveryFailed { .. } => Self::new(
                Action::NOTIFICATION_UPDATED,
                Failed,
                "A passcode could not be delivered",
            ),
            FlowEvent::FlowReset => Self::new(Action::FLOW_UPDATED, Success, "Sign-on begun again"),
            FlowEvent::FlowCompleted { policy } => {
                Self::new(Action::AUTHENTICATION_CREATED, Success, "")
                    .text(format!("Sign-on policy {policy} satisfied"))
            }
            FlowEvent::FlowFailed { code } => {
                Self::new(Action::FLOW_UPDATED, Failed, "").text(format!("Sign-on failed: {code}"))
            }
        }
    }
}

/// The write of an entry. Without a visitor, it is the server's own doing.
pub(super) fn event(
    entry: Entry,
    flow: &Flow,
    visitor: Option<&Visitor>,
    now: Timestamp,
) -> Result<Statement, serde_json::Error> {
    let actor = |id: Id<()>, name: &str| Actor {
        id,
        name: Some(name.to_owned()),
        environment: None,
        population: None,
    };
    let user = flow.user.as_ref().filter(|_| !flow.is_anonymous());
    let mut resources = vec![AuditedResource {
        kind: Cow::Borrowed("FLOW"),
        id: flow.id.cast(),
        name: None,
        environment: None,
        population: None,
    }];
    resources.extend(user.map(|user| AuditedResource::new(&USER, user.id).named(&user.username)));
    resources.extend(entry.named.filter(|_| flow.is_anonymous()));
    resources.extend(entry.about);
    let event = AuditEvent {
        correlation_id: visitor.map_or_else(String::new, |it| it.correlation_id.clone()),
        actors: Actors {
            client: Some(actor(flow.application.id.cast(), &flow.application.name)),
            user: user.map(|user| actor(user.id.cast(), &user.username)),
        },
        description: Some(entry.text),
        status: entry.status,
        resources,
        changed: Vec::new(),
        count: None,
        source: visitor.map(|visitor| Source {
            ip_address: visitor.remote_ip,
            user_agent: None,
        }),
    };
    audit::written(flow.environment.uuid(), &entry.action, &event, now)
}
