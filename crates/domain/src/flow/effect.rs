//! What a step decides beside the new state. The application turns effects into statements in one
//! place, and commits them with the flow in one batch.

use serde::{Deserialize, Serialize};

use super::{input::Action, state::Flow, status::UsableStatus};
use crate::{
    authenticator::{
        DeviceType,
        attempts::{DeviceFailures, UserFailures},
        sending::{AddressHistory, DailyHistory},
    },
    ids::{DeviceId, MessageId, UserId},
    message::Channel,
    secret::Secret,
    time::{Duration, Remembered, Timestamp},
};

#[derive(Debug, Clone)]
pub struct Transition {
    pub flow: Flow,
    pub effects: Vec<Effect>,
    pub answer: Answer,
}

/// What the client is told once the transition is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The flow as it is now.
    Accepted,
    /// The transition still has to be saved: a wrong guess counts.
    Refused(FlowError),
}

#[derive(Debug, Clone)]
pub enum Effect {
    /// Queue a message with the drawn code's first `code_length` digits.
    SendCode(SendCode),
    /// Write the counter, if it still is at the version it was judged by.
    SetCounter {
        subject: Subject,
        state: CounterState,
        judged_by: i64,
    },
    /// The counter must still be at the version it was judged by (0: must not exist).
    CheckCounter {
        subject: Subject,
        judged_by: i64,
    },
    /// `lock` of the device's document.
    LockDevice {
        device: DeviceId,
        until: Timestamp,
    },
    /// `account` of the user's document. Without a time, an administrator has to unlock it.
    LockAccount {
        user: UserId,
        until: Option<Timestamp>,
    },
    /// Apply the password policy's rule for failures to the user's password.
    RecordPasswordAttempt {
        user: UserId,
        matched: bool,
    },
    Audit(AuditEvent),
}

#[derive(Debug, Clone)]
pub struct SendCode {
    pub message: MessageId,
    pub channel: Channel,
    /// Empty where a typed name stands for nobody: the message is queued all the same, and goes
    /// nowhere.
    pub address: Secret<String>,
    pub code_length: u8,
    pub code_life: Duration,
}

impl SendCode {
    /// The name of the notification template.
    pub const TEMPLATE: &'static str = "strong_authentication";
}

/// Whose counter it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    DeviceFailures(DeviceId),
    UserFailures(UserId),
    /// By the address's keyed hash.
    AddressSends(String),
    UserSends(UserId),
    EnvironmentSends,
    /// What typed names asked for, in the environment.
    StrangersSends,
}

impl Subject {
    /// The key of the counter's row.
    pub fn key(&self) -> String {
        match self {
            Self::DeviceFailures(device) => format!("device:{device}"),
            Self::UserFailures(user) => format!("user:{user}"),
            Self::AddressSends(key) => format!("address:{key}"),
            Self::UserSends(user) => format!("sends:{user}"),
            Self::EnvironmentSends => "sends".to_owned(),
            Self::StrangersSends => "sends:strangers".to_owned(),
        }
    }
}

/// The body of the counter's row: as JSON, just the state, whose type follows from the subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CounterState {
    DeviceFailures(DeviceFailures),
    UserFailures(UserFailures),
    AddressSends(AddressHistory),
    DailySends(DailyHistory),
}

/// How long a counter is kept that is no failure which was not made good.
pub const COUNTER_LIFE: Duration = Duration::from_days(2);

impl CounterState {
    /// When the row says nothing any more. Failures that were not made good never expire: else a
    /// patient guesser would only have to wait.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        let never = Timestamp::from_millis(i64::MAX);
        let in_two_days = now + COUNTER_LIFE;
        match self {
            Self::DeviceFailures(failures) if failures.wrong > 0 => never,
            Self::DeviceFailures(failures) => failures
                .locked_until
                .map_or(in_two_days, |it| it.max(in_two_days)),
            Self::UserFailures(failures) if *failures != UserFailures::default() => never,
            Self::UserFailures(_) | Self::AddressSends(_) | Self::DailySends(_) => in_two_days,
        }
    }
}

impl CounterState {
    /// The state in the row of this key; nothing in those that say nothing of time.
    pub fn read(key: &str, body: &str) -> Result<Option<Self>, serde_json::Error> {
        let kind = key.split_once(':').map_or(key, |(kind, _)| kind);
        Ok(Some(match kind {
            "device" => Self::DeviceFailures(serde_json::from_str(body)?),
            "user" => Self::UserFailures(serde_json::from_str(body)?),
            "address" => Self::AddressSends(serde_json::from_str(body)?),
            "sends" => Self::DailySends(serde_json::from_str(body)?),
            _ => return Ok(None),
        }))
    }
}

impl Remembered for CounterState {
    fn is_ahead(&self, now: Timestamp) -> bool {
        match self {
            Self::DeviceFailures(state) => state.is_ahead(now),
            Self::UserFailures(state) => state.is_ahead(now),
            Self::AddressSends(state) => state.is_ahead(now),
            Self::DailySends(state) => state.is_ahead(now),
        }
    }
    fn believed_at(self, now: Timestamp) -> Self {
        match self {
            Self::DeviceFailures(state) => Self::DeviceFailures(state.believed_at(now)),
            Self::UserFailures(state) => Self::UserFailures(state.believed_at(now)),
            Self::AddressSends(state) => Self::AddressSends(state.believed_at(now)),
            Self::DailySends(state) => Self::DailySends(state.believed_at(now)),
        }
    }
}

/// What happened, for the audit trail. The flow's own ids are added by the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuditEvent {
    FlowStarted {
        hinted: bool,
    },
    UserLookedUp {
        found: bool,
    },
    CodeSent {
        device: DeviceId,
        device_type: DeviceType,
    },
    /// A typed name asked for a code, and nobody can sign on by it.
    CodeForNobody,
    CodeAccepted {
        device: DeviceId,
    },
    CodeRefused {
        /// None where the code of a typed name went nowhere.
        device: Option<DeviceId>,
        attempts_remaining: u32,
    },
    DeviceLocked {
        device: DeviceId,
        until: Timestamp,
    },
    AccountLocked {
        until: Option<Timestamp>,
    },
    PasswordAccepted,
    PasswordRefused,
    /// MFA was due and did not happen.
    MfaBypassed {
        reason: BypassReason,
    },
    DeliveryFailed {
        message: MessageId,
    },
    FlowReset,
    FlowCompleted {
        policy: String,
    },
    FlowFailed {
        code: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BypassReason {
    /// `bypassMFA` of the user.
    User,
    /// `noDevicesMode: BYPASS`.
    NoDevices,
}

/// Why an input is refused: facts, no words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowError {
    /// Idle too long, or past its last moment: as if there were no such flow.
    FlowExpired,
    /// Not offered in this status.
    InvalidAction {
        action: Option<Action>,
        status: &'static str,
    },
    InvalidOtp {
        attempts_remaining: u32,
    },
    /// No code is outstanding, or it is too old; not an attempt.
    OtpExpired,
    /// The last attempt is used up.
    LimitExceeded {
        cool_down_expires_at: Option<Timestamp>,
    },
    DeviceUnknown,
    DeviceUnusable {
        status: UsableStatus,
    },
    /// Too many messages: 429.
    RateLimited {
        retry_after: Duration,
        cool_down_expires_at: Timestamp,
        channel: Channel,
    },
    /// Too many names were typed at the client's address, and nothing came of them: 429.
    TooManyNames {
        retry_after: Duration,
    },
    QuotaExceeded {
        limit: u32,
        resets_at: Timestamp,
    },
    CountryDenied,
    /// Nothing would carry the message.
    SendFailed,
    /// Wrong password, or nobody has that name.
    InvalidCredentials,
    PasswordLockedOut {
        until: Option<Timestamp>,
    },
    NoPassword,
    PasswordChangeRequired,
    AccountNotUsable,
    /// `prompt=none`, and interaction is needed.
    LoginRequired,
    /// A name would have to be typed where only a signed hint may name the user.
    HintRequired,
    /// The facts do not fit the flow: a fault of the caller, never of a client.
    FactsMissing,
}
