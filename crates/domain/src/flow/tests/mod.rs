//! A world around the engine: it holds what the application would store, and applies effects.

mod cases;
mod condition;
mod decoys;
mod delivery;
mod login;
mod multi_factor;
mod policies;
mod properties;
mod sending;
mod sessions;
mod shut_out;
mod table;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    condition::Condition,
    decoy,
    delivery::{Floors, NotificationPolicy, Senders},
    effect::SendCode,
    facts::{AccountLock, Lockout, SessionFacts, UserFailures},
    ids::{DeviceId, MessageId},
    policy::{DeviceSelection, Method, NoDevicesMode},
    state::{
        Application, Asked, Failure, Proof, ProofMethod, ResponseMode, SessionBinding, UsableStatus,
    },
    *,
};
use crate::{
    entropy::{Entropy, Seeded},
    id::Id,
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

#[derive(Clone)]
struct World {
    now: Timestamp,
    user: Option<UserFacts>,
    /// Whether the application lets them in.
    is_permitted: bool,
    devices: Vec<DeviceFacts>,
    counters: BTreeMap<Subject, (i64, CounterState)>,
    lockout: Option<Lockout>,
    floors: Floors,
    senders: Senders,
    drawn: Drawn,
    sent: Vec<SendCode>,
    audit: Vec<AuditEvent>,
}

impl World {
    /// A user with a phone and a mailbox.
    fn new() -> Self {
        let user = UserFacts {
            id: id(USER),
            username: "mira.k".to_owned(),
            given_name: Some("Mira".to_owned()),
            family_name: Some("Kos".to_owned()),
            enabled: true,
            verified: true,
            lock: None,
            mfa_enabled: true,
            bypass_mfa_until: None,
            attributes: json!({ "population": { "id": "p1" } }),
            failures: Versioned::default(),
            sends: Versioned::default(),
        };
        Self {
            now: START,
            user: Some(user),
            is_permitted: true,
            devices: vec![
                device(PHONE, DeviceType::Sms),
                device(MAIL, DeviceType::Email),
            ],
            counters: BTreeMap::new(),
            lockout: None,
            floors: Floors::default(),
            senders: Senders {
                sms: true,
                email: true,
            },
            drawn: Drawn(0),
            sent: Vec::new(),
            audit: Vec::new(),
        }
    }
    fn with_devices(devices: Vec<DeviceFacts>) -> Self {
        Self {
            devices,
            ..Self::new()
        }
    }
    fn user(&mut self) -> &mut UserFacts {
        self.user.as_mut().unwrap()
    }
    fn device(&mut self, id: DeviceId) -> &mut DeviceFacts {
        self.devices
            .iter_mut()
            .find(|device| device.id == id)
            .unwrap()
    }
    fn wait(&mut self, seconds: i64) {
        self.now = self.now + Duration::from_seconds(seconds);
    }
    fn new_message(&mut self) {
        self.drawn.0 += 1;
    }

    fn fill(&self, mut subject: SubjectFacts) -> SubjectFacts {
        let row = |key: Subject| self.counters.get(&key).cloned();
        if let Some((version, CounterState::UserFailures(state))) =
            row(Subject::UserFailures(subject.user.id))
        {
            subject.user.failures = Versioned { version, state };
        }
        if let Some((version, CounterState::DailySends(state))) =
            row(Subject::UserSends(subject.user.id))
        {
            subject.user.sends = Versioned { version, state };
        }
        for device in &mut subject.devices {
            if let Some((version, CounterState::DeviceFailures(state))) =
                row(Subject::DeviceFailures(device.id))
            {
                device.failures = Versioned { version, state };
            }
            let key = Subject::AddressSends(device.address_key.clone());
            if let Some((version, CounterState::AddressSends(state))) = row(key) {
                device.sends = Versioned { version, state };
            }
        }
        subject
    }
    fn facts(&self, flow: Option<&Flow>, name: Option<&str>) -> Facts<'_> {
        let decoy = flow.and_then(|flow| {
            let typed = name.or_else(|| flow.decoy_name())?;
            let number = typed.bytes().fold(7, |number, letter| {
                u64::from(letter) + 31_u64.wrapping_mul(number)
            });
            let mut seed = [0; decoy::SEED];
            Seeded(number).fill(&mut seed);
            let born_at = START - Duration::from_days(9);
            let stranger = decoy::subject(&seed, typed, flow, born_at, self.now);
            let has_that_name = |user: &UserFacts| user.username == typed;
            let known = self.user.clone().filter(has_that_name).and_then(|user| {
                let devices = self.devices.clone();
                decoy::in_place_of(&SubjectFacts { user, devices }, typed, flow)
            });
            Some(self.fill(known.unwrap_or(stranger)))
        });
        let is_asked_for = |user: &UserFacts| name.is_none_or(|name| name == user.username);
        let user = self.user.clone().filter(is_asked_for);
        Facts {
            now: self.now,
            subject: user.map(|user| {
                self.fill(SubjectFacts {
                    user,
                    devices: self.devices.clone(),
                })
            }),
            is_permitted: self.is_permitted,
            decoy,
            environment_sends: Versioned::default(),
            lockout: self.lockout,
            floors: self.floors,
            senders: self.senders,
            new_code: &self.drawn,
        }
    }
    /// Commits a transition, as one batch would.
    fn commit(&mut self, transition: Transition) -> (Flow, Answer) {
        for effect in transition.effects {
            match effect {
                Effect::SetCounter {
                    subject,
                    state,
                    judged_by,
                } => {
                    let version = self
                        .counters
                        .get(&subject)
                        .map_or(0, |(version, _)| *version);
                    assert_eq!(version, judged_by, "{subject:?}");
                    self.counters.insert(subject, (judged_by + 1, state));
                }
                Effect::CheckCounter { subject, judged_by } => {
                    assert_eq!(
                        self.counters
                            .get(&subject)
                            .map_or(0, |(version, _)| *version),
                        judged_by
                    );
                }
                Effect::SendCode(message) => self.sent.push(message),
                Effect::LockDevice { device, until } => {
                    self.device(device).locked_until = Some(until);
                }
                Effect::LockAccount { until, .. } => self.user().lock = Some(AccountLock { until }),
                Effect::RecordPasswordAttempt { .. } => {}
                Effect::Audit(event) => self.audit.push(event),
            }
        }
        let stored = serde_json::to_string(&transition.flow).unwrap();
        let flow: Flow = serde_json::from_str(&stored).unwrap();
        assert_eq!(flow, transition.flow, "a flow is stored whole");
        (flow, transition.answer)
    }

    fn start(policies: Vec<Policy>) -> Start {
        Start {
            id: id(700),
            environment: id(701),
            application: Application {
                id: id(702),
                name: "mfa-relying-app".to_owned(),
                icon: None,
            },
            response_mode: ResponseMode::PiFlow,
            authorization_request: asked(),
            session: SessionBinding {
                id: "session-1".to_owned(),
                token_hash: "hash-1".to_owned(),
            },
            signed_on: None,
            remote_ip: None,
            login_hint: None,
            hinted: false,
            policies,
            prompt_none: false,
            prompt_login: false,
            max_age: None,
        }
    }
    fn try_begin(&mut self, start: Start) -> Result<Flow, FlowError> {
        self.new_message();
        let transition = begin(start, &self.facts(None, None))?;
        Ok(self.commit(transition).0)
    }
    fn begin(&mut self, start: Start) -> Flow {
        self.try_begin(start).unwrap()
    }
    /// A flow for the user of a signed hint.
    fn hinted(&mut self, policies: Vec<Policy>) -> Flow {
        self.begin(Start {
            hinted: true,
            ..Self::start(policies)
        })
    }
    fn anonymous(&mut self, policies: Vec<Policy>) -> Flow {
        self.begin(Self::start(policies))
    }

    /// Performs an input; the flow changes as the store's row would.
    fn act(&mut self, flow: &mut Flow, input: &Input) -> Result<(), FlowError> {
        self.new_message();
        let name = match input {
            Input::UserLookedUp { username }
            | Input::PasswordChecked {
                username: Some(username),
                ..
            } => Some(username.as_str()),
            _ => None,
        };
        let transition = step(flow, input, &self.facts(Some(flow), name))?;
        let (next, answer) = self.commit(transition);
        *flow = next;
        match answer {
            Answer::Accepted => Ok(()),
            Answer::Refused(error) => Err(error),
        }
    }
    fn look_up(&mut self, flow: &mut Flow, username: &str) -> Result<(), FlowError> {
        self.act(
            flow,
            &Input::UserLookedUp {
                username: username.to_owned(),
            },
        )
    }
    fn password(
        &mut self,
        flow: &mut Flow,
        username: Option<&str>,
        verdict: PasswordVerdict,
    ) -> Result<(), FlowError> {
        self.act(
            flow,
            &Input::PasswordChecked {
                username: username.map(str::to_owned),
                verdict,
            },
        )
    }
    fn select(&mut self, flow: &mut Flow, device: DeviceId) -> Result<(), FlowError> {
        self.act(flow, &Input::DeviceSelected { device })
    }
    /// Submits the code that a message carried.
    fn submit(&mut self, flow: &mut Flow, message: MessageId) -> Result<(), FlowError> {
        let matches = |hash: &CodeHash| {
            otp::LENGTHS
                .into_iter()
                .any(|length| code_hash(message, length) == *hash)
        };
        let verdict = if flow.outstanding_code().is_some_and(matches) {
            Verdict::Matched
        } else {
            Verdict::Wrong
        };
        self.act(flow, &Input::OtpChecked { verdict })
    }
    fn submit_last(&mut self, flow: &mut Flow) -> Result<(), FlowError> {
        let message = self.sent.last().unwrap().message;
        self.submit(flow, message)
    }
    fn guess(&mut self, flow: &mut Flow) -> Result<(), FlowError> {
        self.act(
            flow,
            &Input::OtpChecked {
                verdict: Verdict::Wrong,
            },
        )
    }
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
