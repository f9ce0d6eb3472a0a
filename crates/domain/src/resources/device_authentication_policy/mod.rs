//! Device authentication policies: which devices may be used, how they are chosen, how long a code
//! lives and how many wrong ones are borne.

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use serde_with::skip_serializing_none;

use super::{
    fixed,
    marked::{self, Marked},
    notifications_policy::{NOTIFICATIONS_POLICY, NotificationsPolicy},
};
use crate::{
    access::Area,
    id::Ref,
    message::Channel,
    profile::Profile,
    resource::{Built, Context, Kind, Reference, Refusal, Resource, Stored, UniqueKey, ViewMember},
    span::{Span, SpanRange, TimeUnit},
    time::Timestamp,
    violation::Violation,
};

mod complete;
mod methods;
#[cfg(test)]
mod tests;

use complete::Method as _;
pub use methods::{
    Failure, Fido2, GeneratedOtp, Mobile, MobileApplication, MobileOtp, OathToken, SentCode,
    SentOtp, Totp, Window,
};

pub static DEVICE_AUTHENTICATION_POLICY: Kind = Kind::new(
    "deviceAuthenticationPolicy",
    "deviceAuthenticationPolicies",
    Area::CredentialPolicy,
);

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceAuthenticationPolicy {
    #[schemars(length(min = 1, max = 256), extend("format" = "name"))]
    pub name: String,
    #[serde(default)]
    pub authentication: Authentication,
    #[serde(default)]
    pub new_device_notification: NewDeviceNotification,
    /// Whether a locked account may authenticate with a device all the same.
    #[serde(default)]
    pub ignore_user_lock: bool,
    /// Whether disabled users are kept out. Only so, and answered when it was sent.
    pub block_disabled_users: Option<bool>,
    /// Whether users whose MFA is off are kept out. Only so, and answered when it was sent.
    pub block_users_with_disabled_mfa: Option<bool>,
    /// Absent: the environment's default.
    pub notifications_policy: Option<Ref<NotificationsPolicy>>,
    #[serde(default)]
    pub remember_me: RememberMe,
    #[serde(default)]
    pub sms: SentCode,
    #[serde(default)]
    pub voice: SentCode,
    #[serde(default)]
    pub email: SentCode,
    #[serde(default)]
    pub whats_app: SentCode,
    #[serde(default)]
    pub mobile: Mobile,
    #[serde(default)]
    pub totp: Totp,
    pub fido2: Option<Fido2>,
    #[serde(default)]
    pub oath_token: OathToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Authentication {
    #[serde(default)]
    pub device_selection: DeviceSelection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum DeviceSelection {
    /// The first in the user's order.
    #[default]
    DefaultToFirst,
    /// Ask when there is more than one.
    PromptToSelect,
    /// Always ask.
    AlwaysDisplayDevices,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum NewDeviceNotification {
    #[default]
    None,
    EmailThenSms,
    SmsThenEmail,
}

impl NewDeviceNotification {
    /// How the user is told of a new device: by the first of these that can be.
    pub const fn channels(self) -> &'static [Channel] {
        match self {
            Self::None => &[],
            Self::EmailThenSms => &[Channel::Email, Channel::Sms],
            Self::SmsThenEmail => &[Channel::Sms, Channel::Email],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RememberMe {
    #[serde(default)]
    pub web: RememberWeb,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct RememberWeb {
    #[serde(default)]
    pub enabled: bool,
    #[serde(default = "RememberWeb::a_month")]
    pub life_time: Span,
}

impl RememberWeb {
    const fn a_month() -> Span {
        Span::days(30)
    }
}

impl Default for RememberWeb {
    fn default() -> Self {
        Self {
            enabled: false,
            life_time: Self::a_month(),
        }
    }
}

const REMEMBERED: SpanRange = &[
    (TimeUnit::Minutes, 1, 129_600),
    (TimeUnit::Hours, 1, 2_160),
    (TimeUnit::Days, 1, 90),
];

impl DeviceAuthenticationPolicy {
    /// The default policy of a new environment: codes by SMS and e-mail are on.
    pub fn born() -> Built<Self> {
        marked::born_default(Self {
            name: "Default MFA Policy".to_owned(),
            authentication: Authentication {
                device_selection: DeviceSelection::DefaultToFirst,
            },
            new_device_notification: NewDeviceNotification::EmailThenSms,
            ignore_user_lock: false,
            block_disabled_users: None,
            block_users_with_disabled_mfa: None,
            notifications_policy: None,
            remember_me: RememberMe::default(),
            sms: SentCode::born(true),
            voice: SentCode::born(false),
            email: SentCode::born(true),
            whats_app: SentCode::born(false),
            mobile: Mobile::born(true),
            totp: Totp::born(true),
            fido2: Some(Fido2::born()),
            oath_token: OathToken::born(true),
        })
    }

    fn complete(&mut self) -> Vec<Violation> {
        let remembered = self.remember_me.web.life_time;
        let remembered = remembered.fault("rememberMe.web.lifeTime", REMEMBERED);
        let fido2 = self.fido2.as_mut().map(|method| method.complete("fido2"));
        [
            remembered.into_iter().collect(),
            self.sms.complete("sms"),
            self.voice.complete("voice"),
            self.email.complete("email"),
            self.whats_app.complete("whatsApp"),
            self.mobile.complete("mobile"),
            self.totp.complete("totp"),
            fido2.unwrap_or_default(),
            self.oath_token.complete("oathToken"),
        ]
        .concat()
    }
}

impl DeviceAuthenticationPolicy {
    /// A code that lives longer than the environment's profile lets it.
    fn judge_code_lives(&self, profile: Profile) -> impl Iterator<Item = Violation> {
        let methods = [
            ("sms", self.sms),
            ("voice", self.voice),
            ("email", self.email),
            ("whatsApp", self.whats_app),
        ];
        let too_long = methods
            .into_iter()
            .filter(move |(_, method)| method.enabled && method.within(profile) != *method);
        too_long.map(|(name, _)| {
            let message = "must be at most 10 minutes in the security profile STRICT";
            Violation::invalid(format!("{name}.otp.lifeTime"), message)
        })
    }
}

impl Resource for DeviceAuthenticationPolicy {
    const KIND: &'static Kind = &DEVICE_AUTHENTICATION_POLICY;
    type Draft = Marked<Self>;
    const GUARDED_SET: bool = true;
    const NEEDS_PROFILE: bool = true;

    fn build(
        mut draft: Self::Draft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        // The kinds of devices of another product of the platform.
        let mut faults =
            draft.faults(&json!({ "desktop": null, "pingIdDesktopGen2": null, "yubikey": null }));
        let mut policy = draft.rules;
        faults.extend(policy.complete());
        let blocks = [
            ("blockDisabledUsers", policy.block_disabled_users),
            (
                "blockUsersWithDisabledMfa",
                policy.block_users_with_disabled_mfa,
            ),
        ];
        let admits = blocks.iter().filter(|(_, blocks)| *blocks == Some(false));
        faults.extend(admits.map(|(target, _)| fixed::only(target, &true.into())));
        if faults.is_empty() {
            faults.extend(policy.judge_code_lives(context.profile));
        }
        marked::built(policy, draft.default, previous, faults)
    }

    fn unique(&self) -> Vec<UniqueKey> {
        vec![UniqueKey::name(&self.name)]
    }

    fn references(&self) -> Vec<Reference> {
        let policy = self.notifications_policy.iter();
        policy
            .map(|policy| {
                Reference::to(
                    &NOTIFICATIONS_POLICY,
                    policy.id.uuid(),
                    "notificationsPolicy.id",
                )
            })
            .collect()
    }

    fn may_leave(stored: &Stored<Self>, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        marked::refuse_default(
            stored,
            "It is not possible to remove default device authentication policy.",
        )
    }

    fn view_members(generator: &mut SchemaGenerator) -> Vec<ViewMember> {
        vec![
            marked::view_member(generator),
            ViewMember::always("forSignOnPolicy", generator.subschema_for::<bool>()),
        ]
    }

    fn view(stored: &Stored<Self>, _now: Timestamp) -> Map<String, Value> {
        let mut members = marked::members_with_mark(stored);
        members.insert("forSignOnPolicy".to_owned(), false.into());
        members
    }
}
