//! Policies, devices and sessions for a world around the engine.

mod attempts;
mod cases;
mod clock;
mod login;
mod multi_factor;
mod policies;
mod properties;
mod sending;
mod sessions;
mod shut_out;
mod table;
mod typed_names;
mod world;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use world::World;

use super::{
    facts::SessionFacts,
    policy::{DeviceSelection, Method, NoDevicesMode},
    stand_in,
    state::{Application, Asked, Proof, ProofMethod, ResponseMode, SessionBinding},
    status::{Failure, NotSent, UsableStatus},
    *,
};
use crate::{
    authenticator::{
        DeviceType, Versioned,
        attempts::{AccountLock, Lockout, UserFailures},
        sending::{Denied, Floors, NotificationPolicy, Senders},
    },
    condition::Condition,
    entropy::{Entropy, Seeded},
    id::Id,
    ids::{self, DeviceId, MessageId},
    message::Channel,
    oauth::{
        authorization_request::{AuthorizationRequest, Prompt},
        recipient::Recipient,
        scope::{GrantedScopes, Scopes},
    },
    otp::{self, CodeHash},
    secret::Secret,
    time::{Duration, Timestamp},
};

const START: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn id<T>(number: u128) -> Id<T> {
    Id::from_uuid(uuid::Uuid::from_u128(
        0x1000_0000_0000_4000_8000_0000_0000_0000 + number,
    ))
}
const USER: u128 = 1;
const PHONE: u128 = 11;
const MAIL: u128 = 12;

fn phone() -> DeviceId {
    id(PHONE)
}
fn mail() -> DeviceId {
    id(MAIL)
}

fn device(number: u128, kind: DeviceType) -> DeviceFacts {
    let address = if kind == DeviceType::Email {
        format!("mira{number}@example.test")
    } else {
        format!("+479000{number:04}")
    };
    DeviceFacts {
        counted_as: id(number),
        id: id(number),
        kind,
        is_active: true,
        is_blocked: false,
        locked_until: None,
        nickname: None,
        address_key: format!("key-{number}"),
        address: Secret::new(address),
        failures: Versioned::default(),
        sends: Versioned::default(),
    }
}

fn mfa() -> MultiFactorAuthentication {
    let method = Method {
        enabled: true,
        ..Method::default()
    };
    MultiFactorAuthentication {
        sms: method,
        email: method,
        device_selection: DeviceSelection::DefaultToFirst,
        no_devices_mode: NoDevicesMode::Block,
        ignore_user_lock: false,
        notifications: NotificationPolicy::default(),
    }
}
fn with_cool_down(minutes: i64) -> MultiFactorAuthentication {
    let mut mfa = mfa();
    mfa.sms.cool_down = Duration::from_minutes(minutes);
    mfa
}
fn asked() -> Asked {
    Asked {
        request: AuthorizationRequest {
            client: id(702),
            environment: id(701),
            recipient: Recipient::PiFlow {
                redirect_uri: None,
                state: Some("xyz".to_owned()),
            },
            granted: GrantedScopes {
                scopes: Scopes::openid(),
                resources: Vec::new(),
                default_audience: "https://api.example.test".to_owned(),
            },
            with_refresh_token: false,
            nonce: None,
            acr_values: Vec::new(),
            prompt: Prompt::AsNeeded,
            max_age: None,
            code_challenge: None,
            login_hint: None,
            ui_locales: None,
        },
        session_is_stored: false,
    }
}
fn action(kind: ActionKind) -> PolicyAction {
    PolicyAction {
        condition: None,
        kind,
    }
}
fn mfa_action(settings: MultiFactorAuthentication) -> PolicyAction {
    action(ActionKind::MultiFactorAuthentication(settings))
}
fn conditional(mut action: PolicyAction, condition: &Value) -> PolicyAction {
    action.condition = Some(Condition::parse(condition).unwrap());
    action
}
fn policy(name: &str, actions: Vec<PolicyAction>) -> Policy {
    Policy {
        id: id(900),
        name: name.to_owned(),
        actions,
    }
}
fn mfa_only() -> Vec<Policy> {
    vec![policy("MFA_Only", vec![mfa_action(mfa())])]
}
fn password_and_mfa() -> Vec<Policy> {
    vec![policy(
        "Multi_Factor",
        vec![action(ActionKind::Login), mfa_action(mfa())],
    )]
}

/// The code of so many messages.
#[derive(Debug, Clone)]
struct Drawn(u128);

impl NewCode for Drawn {
    fn message(&self) -> MessageId {
        id(5000 + self.0)
    }
    fn hash(&self, length: u8) -> CodeHash {
        code_hash(self.message(), length)
    }
}

/// Stands for the keyed hash of a message's code.
fn code_hash(message: MessageId, length: u8) -> CodeHash {
    let mut bytes = [length; 32];
    bytes[..16].copy_from_slice(message.uuid().as_bytes());
    CodeHash::new(bytes)
}

/// A session whose user proved each of these so many seconds ago.
fn session(proofs: &[(ProofMethod, i64)]) -> SessionFacts {
    let proof = |&(method, seconds): &(ProofMethod, i64)| Proof {
        method,
        at: START - Duration::from_seconds(seconds),
    };
    SessionFacts {
        user: id(USER),
        proofs: proofs.iter().map(proof).collect(),
    }
}
fn since(kind: &str, seconds: i64) -> Value {
    let time = format!("${{session.lastSignOn.withAuthenticator.{kind}.at}}");
    json!({ "secondsSince": time, "greater": seconds })
}

fn shown(flow: &Flow, base: &str, now: Timestamp) -> Value {
    serde_json::to_value(view::view(flow, base, now)).unwrap()
}
fn selected(flow: &Flow) -> Option<DeviceId> {
    match &flow.status {
        Status::OtpRequired { challenge, .. } => Some(challenge.device),
        _ => None,
    }
}
fn failure(flow: &Flow) -> Option<&str> {
    match &flow.status {
        Status::Failed { error } => Some(error.code()),
        _ => None,
    }
}
const WRONG: fn(u32) -> Result<(), FlowError> =
    |attempts_remaining| Err(FlowError::InvalidOtp { attempts_remaining });
const EXHAUSTED: Result<(), FlowError> = Err(FlowError::LimitExceeded {
    cool_down_expires_at: None,
});
