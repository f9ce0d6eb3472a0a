//! A flow as the client sees it.

use std::iter;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::{
    input::Action,
    state::{Application, Flow, User},
    status::{DeviceEntry, Failure, Status, UsableStatus},
};
use crate::{
    authenticator::{DeviceType, sending::Floors},
    flow::policy::ActionKind,
    id::Ref,
    ids::{Device, DeviceId, FlowId, UserId},
    time::Timestamp,
};

/// The flow resource.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowView<'a> {
    #[serde(rename = "_links")]
    links: Links,
    id: FlowId,
    status: &'static str,
    session: SessionView<'a>,
    resume_url: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    login_hint: Option<&'a str>,
    selected_device: Option<Ref<Device>>,
    authenticators: Vec<&'static str>,
    bypass_allowed: Option<bool>,
    not_sent: Option<NotSentView>,
    error: Option<FailureView>,
    #[serde(rename = "_embedded")]
    embedded: Embedded<'a>,
    /// Once the flow was exchanged for it.
    pub authorize_response: Option<Map<String, Value>>,
}

/// All of them lead to the flow.
#[derive(Debug)]
struct Links {
    href: String,
    actions: &'static [Action],
}

#[derive(Debug, Serialize)]
struct SessionView<'a> {
    id: &'a str,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Embedded<'a> {
    user: Option<UserView<'a>>,
    application: &'a Application,
    devices: Option<Vec<DeviceView<'a>>>,
    /// Those that an administrator has blocked.
    blocked_devices: Option<Vec<DeviceView<'a>>>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
struct UserView<'a> {
    id: UserId,
    username: &'a str,
    name: Option<NameView<'a>>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
struct NameView<'a> {
    given: Option<&'a str>,
    family: Option<&'a str>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceView<'a> {
    id: DeviceId,
    #[serde(rename = "type")]
    kind: DeviceType,
    status: &'static str,
    phone: Option<&'a str>,
    email: Option<&'a str>,
    nickname: Option<&'a str>,
    usable_status: UsableStatusView,
}

/// `usableStatus`, also of the error that a device cannot be used.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub struct UsableStatusView {
    status: &'static str,
    reason: Option<&'static str>,
}

impl From<UsableStatus> for UsableStatusView {
    fn from(usable: UsableStatus) -> Self {
        let reason = usable.reason();
        let status = if reason.is_none() {
            "ENABLED"
        } else {
            "DISABLED"
        };
        Self { status, reason }
    }
}

/// Why a code that was due is not on its way.
#[derive(Debug, Serialize)]
struct NotSentView {
    code: &'static str,
    message: &'static str,
    device: Ref<Device>,
    #[serde(flatten)]
    facts: Map<String, Value>,
}

#[skip_serializing_none]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureView {
    code: &'static str,
    message: &'static str,
    unavailable_devices: Option<Vec<Ref<Device>>>,
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Link<'a> {
            href: &'a str,
        }
        let names = iter::once("self").chain(self.actions.iter().map(|action| action.name()));
        serializer.collect_map(names.map(|name| (name, Link { href: &self.href })))
    }
}

/// `base` is where the environment's authentication endpoints are, such as
/// `https://auth.example.test/{environment}`, in the spelling the client called.
pub fn view<'a>(flow: &'a Flow, base: &str, now: Timestamp) -> FlowView<'a> {
    let devices = flow.status.devices();
    FlowView {
        links: Links {
            href: format!("{base}/flows/{}", flow.id),
            actions: flow.offered(),
        },
        id: flow.id,
        status: flow.status.name(),
        session: SessionView {
            id: &flow.session.id,
        },
        resume_url: resume_url(flow, base),
        created_at: flow.created_at,
        expires_at: flow.expires_at(),
        login_hint: flow.login_hint.as_deref().filter(|_| flow.user.is_none()),
        selected_device: match &flow.status {
            Status::OtpRequired { challenge, .. } => Some(challenge.device.into()),
            _ => None,
        },
        authenticators: flow.amr(),
        // Where MFA may be left out, it is: nobody is asked.
        bypass_allowed: devices
            .is_some_and(|devices| !devices.is_empty())
            .then_some(false),
        not_sent: flow.status.not_sent(now).map(|it| NotSentView {
            code: it.denied.code().as_str(),
            message: it.denied.message(),
            device: it.device.into(),
            facts: it.denied.facts(Some(it.channel), now),
        }),
        error: match &flow.status {
            Status::Failed { error } => Some(failure(error)),
            _ => None,
        },
        embedded: Embedded {
            user: flow.user.as_ref().map(user),
            application: &flow.application,
            devices: devices.map(|devices| shown(devices, false, now)),
            blocked_devices: devices.map(|devices| shown(devices, true, now)),
        },
        authorize_response: None,
    }
}

/// Where a final flow is exchanged for its answer.
pub fn resume_url(flow: &Flow, base: &str) -> String {
    format!("{base}/as/resume?flowId={}", flow.id)
}

/// When a new code may be asked for, as far as the flow itself knows: messages to the same address
/// from elsewhere, and earlier ones of the series, can make it later. None when no code is out.
pub fn may_resend_at(flow: &Flow) -> Option<Timestamp> {
    let Status::OtpRequired { devices, challenge } = &flow.status else {
        return None;
    };
    let code = challenge.code.as_ref()?;
    let device = devices.iter().find(|entry| entry.id == challenge.device)?;
    let action = flow.current_policy()?.actions.get(flow.action)?;
    let configured = match &action.kind {
        ActionKind::MultiFactorAuthentication(settings) => settings
            .notifications
            .cooldown(device.kind.channel())
            .map(|cooldown| cooldown.periods[0]),
        ActionKind::Login => None,
    };
    let floor = Floors::default().address_interval;
    Some(code.sent_at + configured.map_or(floor, |period| period.max(floor)))
}

fn user(user: &User) -> UserView<'_> {
    let (given, family) = (user.given_name.as_deref(), user.family_name.as_deref());
    let has_name = given.is_some() || family.is_some();
    UserView {
        id: user.id,
        username: &user.username,
        name: has_name.then_some(NameView { given, family }),
    }
}

fn shown(devices: &[DeviceEntry], blocked: bool, now: Timestamp) -> Vec<DeviceView<'_>> {
    let is_wanted = |entry: &&DeviceEntry| (entry.usable == UsableStatus::Blocked) == blocked;
    let wanted = devices.iter().filter(is_wanted);
    wanted.map(|entry| device(entry, now)).collect()
}

fn device(entry: &DeviceEntry, now: Timestamp) -> DeviceView<'_> {
    let address = Some(entry.masked_address.as_str());
    let (phone, email) = match entry.kind {
        DeviceType::Sms => (address, None),
        DeviceType::Email => (None, address),
    };
    DeviceView {
        id: entry.id,
        kind: entry.kind,
        status: "ACTIVE",
        phone,
        email,
        nickname: entry.nickname.as_deref(),
        usable_status: entry.usable_at(now).into(),
    }
}

fn failure(error: &Failure) -> FailureView {
    FailureView {
        code: error.code(),
        message: error.message(),
        unavailable_devices: match error {
            Failure::NoUsableDevices { unavailable } => {
                Some(unavailable.iter().map(|&id| id.into()).collect())
            }
            _ => None,
        },
    }
}
