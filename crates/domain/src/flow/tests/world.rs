//! It holds what the application would store, and applies effects.

use super::*;

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) user: Option<UserFacts>,
    /// Whether the application lets them in.
    pub(super) is_permitted: bool,
    pub(super) devices: Vec<DeviceFacts>,
    pub(super) counters: BTreeMap<Subject, (i64, CounterState)>,
    pub(super) lockout: Option<Lockout>,
    pub(super) floors: Floors,
    pub(super) senders: Senders,
    pub(super) drawn: Drawn,
    /// What went to somebody.
    pub(super) sent: Vec<Sent>,
    /// What was queued to go nowhere.
    pub(super) to_nobody: usize,
    pub(super) audit: Vec<AuditEvent>,
}

/// A code that went to somebody.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) message: MessageId,
    /// That the flow shows it went to.
    pub(super) shown: DeviceId,
    pub(super) address: String,
    pub(super) code_length: u8,
}

impl World {
    /// A user with a phone and a mailbox.
    pub(super) fn new() -> Self {
        let user = UserFacts {
            id: id(USER),
            counted_as: id(USER),
            username: "mira.k".to_owned(),
            given_name: Some("Mira".to_owned()),
            family_name: Some("Kos".to_owned()),
            enabled: true,
            verified: true,
            lock: None,
            mfa_enabled: true,
            bypass_mfa_until: None,
            holds_a_role: false,
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
            to_nobody: 0,
            audit: Vec::new(),
        }
    }
    pub(super) fn with_devices(devices: Vec<DeviceFacts>) -> Self {
        Self {
            devices,
            ..Self::new()
        }
    }
    pub(super) fn user(&mut self) -> &mut UserFacts {
        self.user.as_mut().unwrap()
    }
    pub(super) fn device(&mut self, id: DeviceId) -> &mut DeviceFacts {
        self.devices
            .iter_mut()
            .find(|device| device.id == id)
            .unwrap()
    }
    pub(super) fn wait(&mut self, seconds: i64) {
        self.now = self.now + Duration::from_seconds(seconds);
    }
    pub(super) fn new_message(&mut self) {
        self.drawn.0 += 1;
    }

    pub(super) fn fill(&self, mut subject: SubjectFacts) -> SubjectFacts {
        let row = |key: Subject| self.counters.get(&key).cloned();
        if let Some((version, CounterState::UserFailures(state))) =
            row(Subject::UserFailures(subject.user.counted_as))
        {
            subject.user.failures = Versioned { version, state };
        }
        if let Some((version, CounterState::DailySends(state))) =
            row(Subject::UserSends(subject.user.counted_as))
        {
            subject.user.sends = Versioned { version, state };
        }
        for device in &mut subject.devices {
            if let Some((version, CounterState::DeviceFailures(state))) =
                row(Subject::DeviceFailures(device.counted_as))
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
    pub(super) fn facts(&self, flow: Option<&Flow>, name: Option<&str>) -> Facts<'_> {
        let stand_in = flow.and_then(|flow| {
            let typed = name.or_else(|| flow.typed_name())?;
            let subject = stand_in::subject(typed, flow.id, |parts| {
                let mut hash = [0; 32];
                let bytes = parts.iter().flat_map(|part| part.iter());
                let number = bytes.fold(7, |number, &byte| {
                    u64::from(byte) + 31_u64.wrapping_mul(number)
                });
                Seeded(number).fill(&mut hash);
                hash
            });
            Some(self.fill(subject))
        });
        let strangers_sends = match self.counters.get(&Subject::StrangersSends) {
            Some((version, CounterState::DailySends(state))) => Versioned {
                version: *version,
                state: *state,
            },
            _ => Versioned::default(),
        };
        let name = name.or_else(|| flow.and_then(Flow::typed_name));
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
            stand_in,
            environment_sends: Versioned::default(),
            strangers_sends,
            lockout: self.lockout,
            floors: self.floors,
            senders: self.senders,
            new_code: &self.drawn,
        }
    }
    /// Commits a transition, as one batch would.
    pub(super) fn commit(&mut self, transition: Transition) -> (Flow, Answer) {
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
                Effect::SendCode(send) if send.address.expose().is_empty() => self.to_nobody += 1,
                Effect::SendCode(send) => self.sent.push(Sent {
                    message: send.message,
                    shown: selected(&transition.flow).unwrap(),
                    address: send.address.expose().clone(),
                    code_length: send.code_length,
                }),
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

    pub(super) fn start(policies: Vec<Policy>) -> Start {
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
            requires_hint: false,
            max_age: None,
        }
    }
    pub(super) fn try_begin(&mut self, start: Start) -> Result<Flow, FlowError> {
        self.new_message();
        let transition = begin(start, &self.facts(None, None))?;
        Ok(self.commit(transition).0)
    }
    pub(super) fn begin(&mut self, start: Start) -> Flow {
        self.try_begin(start).unwrap()
    }
    /// A flow for the user of a signed hint.
    pub(super) fn hinted(&mut self, policies: Vec<Policy>) -> Flow {
        self.begin(Start {
            hinted: true,
            ..Self::start(policies)
        })
    }
    pub(super) fn anonymous(&mut self, policies: Vec<Policy>) -> Flow {
        self.begin(Self::start(policies))
    }

    /// Performs an input; the flow changes as the store's row would.
    pub(super) fn act(&mut self, flow: &mut Flow, input: &Input) -> Result<(), FlowError> {
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
    pub(super) fn look_up(&mut self, flow: &mut Flow, username: &str) -> Result<(), FlowError> {
        self.act(
            flow,
            &Input::UserLookedUp {
                username: username.to_owned(),
            },
        )
    }
    pub(super) fn password(
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
    pub(super) fn select(&mut self, flow: &mut Flow, device: DeviceId) -> Result<(), FlowError> {
        self.act(flow, &Input::DeviceSelected { device })
    }
    /// Submits the code that a message carried.
    pub(super) fn submit(&mut self, flow: &mut Flow, message: MessageId) -> Result<(), FlowError> {
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
    pub(super) fn submit_last(&mut self, flow: &mut Flow) -> Result<(), FlowError> {
        let message = self.sent.last().unwrap().message;
        self.submit(flow, message)
    }
    pub(super) fn guess(&mut self, flow: &mut Flow) -> Result<(), FlowError> {
        self.act(
            flow,
            &Input::OtpChecked {
                verdict: Verdict::Wrong,
            },
        )
    }
}
