//! Effects become statements, here and nowhere else.

use stepgate_domain::{
    flow::{AuditEvent, COUNTER_LIFE, CounterState, Effect, Flow, Status, effect::SendCode},
    ids::FlowId,
    message::Message,
    resources::{device::Device, template::STRONG_AUTHENTICATION, user::User},
    secret::Secret,
    time::Timestamp,
};
use stepgate_store::{
    counters::{self, StoredCounter},
    engine::Statement,
};

use super::{Visitor, code::Drawn, facts::Known, trail};
use crate::{
    App,
    error::ManagementError,
    management::{Place, prepare_replace},
    outbox::{self, Queued},
    seal::DataKey,
    users::password::Attempt,
};

/// What the effects of a step refer to.
pub(super) struct Stage<'a> {
    pub(super) app: &'a App,
    pub(super) key: &'a DataKey,
    /// As the step left it.
    pub(super) flow: &'a Flow,
    pub(super) known: Option<&'a Known>,
    pub(super) visitor: Option<&'a Visitor>,
    pub(super) drawn: &'a Drawn<'a>,
    pub(super) now: Timestamp,
}

/// What is to be written beside the flow.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) statements: Vec<Statement>,
    /// The message among them.
    queued: Option<Queued>,
    happened: Happened,
}

/// What is counted of a step once it is committed.
#[derive(Debug, Default)]
struct Happened {
    begun: bool,
    completed: Option<FlowId>,
    failed: Option<&'static str>,
}

impl Writes {
    /// Says that the statements, which have been taken, are committed.
    pub(super) fn committed(self, app: &App) {
        if let Some(queued) = self.queued {
            queued.committed();
        }
        if self.happened.begun {
            app.metrics.flow_begun();
        }
        if let Some(flow) = self.happened.completed {
            app.metrics.flow_completed();
            app.look_ups.give_back(flow);
        }
        if let Some(reason) = self.happened.failed {
            app.metrics.flow_failed(reason);
        }
    }
}

impl Happened {
    fn note(&mut self, event: &AuditEvent, flow: &Flow) {
        self.begun |= matches!(event, AuditEvent::FlowStarted { .. });
        if matches!(event, AuditEvent::FlowCompleted { .. }) {
            self.completed = Some(flow.id);
        }
        if let (AuditEvent::FlowFailed { .. }, Status::Failed { error }) = (event, &flow.status) {
            self.failed = Some(error.code());
        }
    }
}

impl Stage<'_> {
    pub(super) async fn writes(
        &self,
        effects: Vec<Effect>,
        attempt: Option<Attempt>,
    ) -> Result<Writes, ManagementError> {
        let environment = self.flow.environment.uuid();
        let mut writes = Writes::default();
        let mut user: Option<User> = None;
        let mut attempt = attempt;
        for effect in effects {
            match effect {
                Effect::SendCode(send) => {
                    let (statement, queued) = self.message(&send)?;
                    writes.statements.push(statement);
                    writes.queued = Some(queued);
                }
                Effect::SetCounter {
                    subject,
                    state,
                    judged_by,
                } => writes.statements.push(counters::write(StoredCounter {
                    environment,
                    subject: subject.key(),
                    version: judged_by,
                    expires_at: self.expiry(&state),
                    body: serde_json::to_string(&state)?,
                })),
                Effect::CheckCounter { subject, judged_by } => {
                    let check = counters::check(environment, &subject.key(), judged_by);
                    writes.statements.push(check);
                }
                Effect::LockDevice { device, until } => {
                    let lock = self.replaced_device(device.uuid(), |it| it.locked(Some(until)));
                    writes.statements.extend(lock.await?);
                }
                Effect::LockAccount { until, .. } => {
                    let before = user.or_else(|| self.known.map(|it| it.user.body.clone()));
                    user = before.map(|user| user.lock_after_mfa_failures(until, self.now));
                }
                Effect::RecordPasswordAttempt { .. } => {
                    if let Some(attempt) = attempt.take() {
                        writes.statements.extend(attempt.counted);
                        user = Some(attempt.user);
                    }
                }
                Effect::Audit(event) => {
                    writes.happened.note(&event, self.flow);
                    let named = self.known.map(|known| &known.subject.user);
                    let entry = trail::Entry::of(&event).naming(named);
                    let event = trail::event(entry, self.flow, self.visitor, self.now)?;
                    writes.statements.push(event);
                }
            }
        }
        if let (Some(user), Some(known)) = (user, self.known)
            && user != known.user.body
        {
            let place = Place {
                environment,
                parent: None,
            };
            let replaced = prepare_replace(self.app, place, &known.document, user.into(), self.now);
            writes.statements.extend(replaced.await?.0);
        }
        Ok(writes)
    }

    /// What strangers did wrong is forgotten at last, or they could close any name for good, and fill
    /// the store with those that nobody has.
    fn expiry(&self, state: &CounterState) -> Timestamp {
        if self.flow.is_anonymous() {
            self.now + COUNTER_LIFE
        } else {
            state.expires_at(self.now)
        }
    }

    async fn replaced_device(
        &self,
        id: uuid::Uuid,
        change: impl FnOnce(Device) -> Device,
    ) -> Result<Vec<Statement>, ManagementError> {
        let devices = self.known.map(|known| known.devices.as_slice());
        let found = devices
            .unwrap_or_default()
            .iter()
            .find(|(_, device)| device.id.uuid() == id);
        let Some((document, device)) = found else {
            return Ok(Vec::new());
        };
        let place = Place {
            environment: document.environment,
            parent: document.parent,
        };
        let changed = change(device.body.clone());
        let replaced = prepare_replace(self.app, place, document, changed.into(), self.now);
        Ok(replaced.await?.0)
    }

    fn message(&self, send: &SendCode) -> Result<(Statement, Queued), ManagementError> {
        let user = self.known.map(|known| &known.user.body);
        let languages = self.languages(user);
        let content = STRONG_AUTHENTICATION
            .choose(send.channel, &languages)
            .ok_or(ManagementError::NotFound(None))?;
        let code = Secret::new(self.drawn.code(send.code_length).to_owned());
        let name = user.and_then(|user| user.profile.name.as_ref());
        let rendered = content.rendered(|variable| match variable {
            "otp" => Some(code.expose().clone()),
            "user.username" => user.map(|user| user.username.clone()),
            "user.name.given" => name.and_then(|name| name.given.clone()),
            "user.name.family" => name.and_then(|name| name.family.clone()),
            "current-year" => self.now.to_string().split('-').next().map(str::to_owned),
            _ => None,
        });
        let message = Message {
            id: send.message.to_string(),
            channel: send.channel,
            to: send.address.clone(),
            subject: rendered.subject,
            text: Secret::new(rendered.text),
            code: Some(code),
            sender: None,
        };
        let flow = Some(self.flow.id.uuid());
        let environment = self.flow.environment.uuid();
        outbox::queue(self.app, self.key, environment, flow, message, self.now)
    }

    /// The request's languages, then the user's.
    fn languages<'a>(&'a self, user: Option<&'a User>) -> Vec<&'a str> {
        let request = &self.flow.authorization_request.request;
        let asked = request.ui_locales.as_deref().unwrap_or_default();
        let own = user.and_then(|user| user.profile.preferred_language.as_deref());
        let own = own.unwrap_or_default().split(',');
        let own = own.filter_map(|language| language.split(';').next());
        asked
            .split_ascii_whitespace()
            .chain(own.map(str::trim))
            .filter(|language| !language.is_empty())
            .collect()
    }
}
