//! Wrong codes: how many a device and a user may be given, and what happens then.

use serde::{Deserialize, Serialize};

use crate::time::{Duration, Remembered, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLock {
    /// None: until an administrator unlocks.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// Zero switches the lockout off.
    pub failure_count: u32,
    /// None: until an administrator unlocks.
    pub duration: Option<Duration>,
}

/// How many consecutive wrong codes of one user are ever judged, over all devices.
pub const GUARD: u32 = 100;

/// Wrong codes of one user over all devices. An administrator's unlock removes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFailures {
    /// Since the last right code: counts towards [`GUARD`].
    pub consecutive: u32,
    /// Since the last right code or lockout: counts towards `mfaSettings.lockout`.
    pub toward_lockout: u32,
    /// The last lock that wrong codes led to. Of a stand-in, which has no document, it is all there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<AccountLock>,
    /// When that lock began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_at: Option<Timestamp>,
}

impl Remembered for UserFailures {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.locked_at
            .is_some_and(|began| began.is_yet_to_come(now))
    }
    fn believed_at(self, now: Timestamp) -> Self {
        let Some(began) = self.locked_at else {
            return self;
        };
        Self {
            lock: self.lock.map(|lock| AccountLock {
                until: lock.until.map(|end| end.ending_as_of(began, now)),
            }),
            locked_at: Some(began.believed_at(now)),
            ..self
        }
    }
}

/// Wrong codes of one device. An administrator's unlock of the device removes it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFailures {
    pub wrong: u32,
    /// How often the device has been exhausted. A code of an earlier round is void, so that
    /// parallel flows on one device share their attempts.
    pub round: u32,
    pub locked_until: Option<Timestamp>,
    /// When that lock began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_at: Option<Timestamp>,
}

impl Remembered for DeviceFailures {
    fn is_ahead(&self, now: Timestamp) -> bool {
        self.locked_at
            .is_some_and(|began| began.is_yet_to_come(now))
    }
    fn believed_at(self, now: Timestamp) -> Self {
        let Some(began) = self.locked_at else {
            return self;
        };
        Self {
            locked_until: self.locked_until.map(|end| end.ending_as_of(began, now)),
            locked_at: Some(began.believed_at(now)),
            ..self
        }
    }
}

/// What a wrong code means for the device that it was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongForDevice {
    pub failures: DeviceFailures,
    pub attempts_remaining: u32,
    /// Until when the device is locked, where this was the last attempt and there is a cool-down.
    pub locked_until: Option<Timestamp>,
}

impl DeviceFailures {
    /// `failure_count`: how many exhaust the device. Without a cool-down only its outstanding codes die.
    pub fn with_wrong(
        mut self,
        failure_count: u32,
        cool_down: Duration,
        now: Timestamp,
    ) -> WrongForDevice {
        self.wrong = self.wrong.saturating_add(1);
        let attempts_remaining = failure_count.saturating_sub(self.wrong);
        let is_locked = attempts_remaining == 0 && !cool_down.is_zero();
        let locked_until = is_locked.then(|| now + cool_down);
        if attempts_remaining == 0 {
            self.wrong = 0;
            self.round = self.round.wrapping_add(1);
            self.locked_until = locked_until;
            self.locked_at = locked_until.map(|_| now);
        }
        WrongForDevice {
            failures: self,
            attempts_remaining,
            locked_until,
        }
    }
}

/// Why the account is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockedAccount {
    pub lock: AccountLock,
    /// By the guard, which no policy ignores.
    pub is_final: bool,
}

impl UserFailures {
    /// Counts a wrong code of any device.
    pub fn with_wrong(
        mut self,
        lockout: Option<Lockout>,
        now: Timestamp,
    ) -> (Self, Option<LockedAccount>) {
        self.consecutive = self.consecutive.saturating_add(1);
        self.toward_lockout = self.toward_lockout.saturating_add(1);
        let lockout =
            lockout.filter(|it| it.failure_count > 0 && self.toward_lockout >= it.failure_count);
        let is_final = self.consecutive >= GUARD;
        let locked = if is_final {
            Some(AccountLock { until: None })
        } else {
            lockout.map(|it| AccountLock {
                until: it.duration.map(|duration| now + duration),
            })
        };
        if locked.is_some() {
            self.toward_lockout = 0;
            self.lock = locked;
            self.locked_at = Some(now);
        }
        (self, locked.map(|lock| LockedAccount { lock, is_final }))
    }
}
