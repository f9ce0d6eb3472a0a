//! Pairing messages, under the same limits as those of sign-ons.

use serde::de::DeserializeOwned;
use stepgate_domain::{
    audit::Action,
    authenticator::{
        Versioned,
        sending::{self, Changed, Denied, Histories, NotificationPolicy, Senders},
    },
    entropy::Entropy,
    flow::{CounterState, Subject},
    id::Id,
    message::{Channel, Message},
    otp::{DRAWN_DIGITS, prefix},
    resources::{
        device::{Device, NotificationDraft, method},
        device_authentication_policy::DeviceAuthenticationPolicy,
        notifications_policy::NotificationsPolicy,
        template::{Content, DEVICE_PAIRING, Rendered, Template, escape_html, render},
        user::User,
    },
    secret::Secret,
    time::Timestamp,
    violation::{Violation, ViolationCode},
};
use stepgate_store::{
    counters::{self, StoredCounter},
    engine::Statement,
};
use uuid::Uuid;

use super::{Owner, pairing::code_hash};
use crate::{
    App,
    error::ManagementError,
    management::{Target, address_subject, cached, cached_default},
    outbox::{self, Queued},
    random::SystemRandom,
    remembered, settings,
};

/// The device that expects a new code, the writes that count and queue its message, and the message.
pub(super) async fn send_code(
    target: &Target<'_>,
    owner: &Owner,
    device: Device,
    policy: &DeviceAuthenticationPolicy,
    text: Option<&NotificationDraft>,
    now: Timestamp,
) -> Result<(Device, Vec<Statement>, Queued), ManagementError> {
    let (app, environment) = (target.app, owner.document.environment);
    let channel = device.kind.channel();
    let to = device.recipient();
    let content = chosen(&DEVICE_PAIRING, &owner.user.body, channel);
    let outgoing = Outgoing {
        channel,
        to: &to,
        purpose: Purpose::Code,
        has_content: content.is_some(),
    };
    let judged = judged(app, owner, &outgoing, policy, now).await?;
    let mut statements = judged.map_err(|reason| denied(reason, channel, now))?;
    let content = content.ok_or_else(|| denied(Denied::NoSender, channel, now))?;

    let profile = settings::profile(app, environment).await?;
    let rules = &method(policy, device.kind).otp.within(profile);
    let drawn = Secret::new(<dyn Entropy>::digits(&mut SystemRandom, DRAWN_DIGITS));
    let code = Secret::new(prefix(&drawn, rules.otp_length).to_owned());
    let key = app.data_key(environment).await?;
    let device = device.expecting_code(code_hash(&key, target.id, code.expose()), rules, now);
    let Rendered { subject, text } = rendered(content, text, &owner.user.body, &code, now);
    let message = Message {
        id: app.new_id::<Message>().to_string(),
        channel,
        to,
        subject,
        text: Secret::new(text),
        code: Some(code),
        sender: None,
    };
    let (statement, queued) = outbox::queue(app, &key, environment, None, message, now)?;
    statements.push(statement);
    statements.push(target.event::<Device>(&Action::NOTIFICATION_CREATED, now)?);
    Ok((device, statements, queued))
}

/// The user's languages, best first, choose the text.
pub(super) fn chosen(
    template: &Template,
    user: &User,
    channel: Channel,
) -> Option<&'static Content> {
    let languages = user.profile.preferred_language.as_deref();
    let languages: Vec<&str> = languages
        .iter()
        .flat_map(|list| list.split(','))
        .filter_map(|language| language.split(';').next())
        .map(str::trim)
        .collect();
    template.choose(channel, &languages)
}

fn rendered(
    content: &Content,
    own: Option<&NotificationDraft>,
    user: &User,
    code: &Secret<String>,
    now: Timestamp,
) -> Rendered {
    let value_of = |variable: &str| match variable {
        "otp" => Some(code.expose().clone()),
        other => value_of(user, other, now),
    };
    let standard = content.rendered(value_of);
    match own.and_then(|own| own.message.as_deref()) {
        None => standard,
        Some(message) => Rendered {
            text: match content.channel {
                Channel::Sms => render(message, value_of),
                // The text is the client's, who writes no HTML; the mail is HTML.
                Channel::Email => escape_html(&render(message, value_of)),
            },
            ..standard
        },
    }
}

/// What a text may mention of the user.
pub(super) fn value_of(user: &User, variable: &str, now: Timestamp) -> Option<String> {
    let name = user.profile.name.as_ref();
    match variable {
        "user.username" => Some(user.username.clone()),
        "user.name.given" => name.and_then(|name| name.given.clone()),
        "user.name.family" => name.and_then(|name| name.family.clone()),
        "current-year" => now.to_string().split('-').next().map(str::to_owned),
        _ => None,
    }
}

/// What a message is for. Each purpose is counted by itself, so that no notice delays a code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Code,
    Notice,
}

impl Purpose {
    fn subject(self, of_code: String) -> String {
        match self {
            Self::Code => of_code,
            Self::Notice => format!("notice:{of_code}"),
        }
    }
}

/// A message that is to go out.
pub(super) struct Outgoing<'a> {
    pub(super) channel: Channel,
    pub(super) to: &'a Secret<String>,
    pub(super) purpose: Purpose,
    /// Whether there is a text for it.
    pub(super) has_content: bool,
}

/// Judges the message by what was sent before, and counts it.
pub(super) async fn judged(
    app: &App,
    owner: &Owner,
    outgoing: &Outgoing<'_>,
    policy: &DeviceAuthenticationPolicy,
    now: Timestamp,
) -> Result<Result<Vec<Statement>, Denied>, ManagementError> {
    let Outgoing {
        channel,
        to,
        purpose,
        has_content,
    } = *outgoing;
    let environment = owner.document.environment;
    let limits = limits(app, environment, policy).await?;
    let read = Read::of(app, owner, to, purpose).await?;
    let has = |channel| has_content && app.senders.has(channel);
    let permitted = sending::judge(&sending::Request {
        now,
        flow: None,
        channel,
        address: to.expose(),
        policy: &limits,
        floors: &app.settings.floors,
        senders: Senders {
            sms: has(Channel::Sms),
            email: has(Channel::Email),
        },
        before: &read.histories,
    });
    Ok(match permitted {
        Ok(changed) => Ok(read.written(now, changed)?),
        Err(reason) => Err(reason),
    })
}

/// The writes for a pairing code that was used.
pub(super) async fn claimed(
    app: &App,
    owner: &Owner,
    device: &Device,
    policy: &DeviceAuthenticationPolicy,
    now: Timestamp,
) -> Result<Vec<Statement>, ManagementError> {
    let limits = limits(app, owner.document.environment, policy).await?;
    let read = Read::of(app, owner, &device.recipient(), Purpose::Code).await?;
    let changed = sending::used(device.kind.channel(), &limits, &read.histories, now);
    read.written(now, changed)
}

/// What was sent before, and where that is kept.
struct Read {
    space: Uuid,
    subjects: [String; 3],
    histories: Histories,
}

impl Read {
    async fn of(
        app: &App,
        owner: &Owner,
        to: &Secret<String>,
        purpose: Purpose,
    ) -> Result<Self, ManagementError> {
        let space = owner.document.environment;
        let subjects = [
            address_subject(app, space, to.expose()).await?,
            Subject::UserSends(Id::from_uuid(owner.document.id)).key(),
            Subject::EnvironmentSends.key(),
        ]
        .map(|subject| purpose.subject(subject));
        let found = counters::read(&*app.engine, space, &subjects).await?;
        let found = remembered::counters(app, found, app.now()).await?;
        let [address, user, environment] = &subjects;
        Ok(Self {
            space,
            histories: Histories {
                address: versioned(&found, address)?,
                user: versioned(&found, user)?,
                environment: versioned(&found, environment)?,
            },
            subjects,
        })
    }

    /// The writes of the histories that change, if they still are as they were read.
    fn written(self, now: Timestamp, changed: Changed) -> Result<Vec<Statement>, ManagementError> {
        let [of_address, of_user, of_environment] = self.subjects;
        let before = self.histories;
        let address = changed.address.map(CounterState::AddressSends);
        let user = changed.user.map(CounterState::DailySends);
        let environment = changed.environment.map(CounterState::DailySends);
        let states = [
            (of_address, before.address.version, address),
            (of_user, before.user.version, user),
            (of_environment, before.environment.version, environment),
        ];
        let mut statements = Vec::new();
        for (subject, version, state) in states {
            if let Some(state) = state {
                statements.push(counters::write(StoredCounter {
                    environment: self.space,
                    subject,
                    version,
                    expires_at: state.expires_at(now),
                    body: serde_json::to_string(&state)?,
                }));
            }
        }
        Ok(statements)
    }
}

/// What the notification policy asks for: the one that the device's policy names, else the default.
async fn limits(
    app: &App,
    environment: Uuid,
    policy: &DeviceAuthenticationPolicy,
) -> Result<NotificationPolicy, ManagementError> {
    let named = match policy.notifications_policy {
        Some(named) => cached::<NotificationsPolicy>(app, environment, named.id.uuid()).await?,
        None => None,
    };
    let policy = match named {
        Some(policy) => Some(policy),
        None => cached_default::<NotificationsPolicy>(app, environment).await?,
    };
    Ok(policy.map_or_else(NotificationPolicy::default, |policy| {
        NotificationPolicy::from(&policy.body)
    }))
}

fn versioned<T: DeserializeOwned + Default>(
    found: &[StoredCounter],
    subject: &str,
) -> Result<Versioned<T>, ManagementError> {
    match found.iter().find(|counter| counter.subject == subject) {
        Some(counter) => Ok(Versioned {
            version: counter.version,
            state: serde_json::from_str(&counter.body)?,
        }),
        None => Ok(Versioned::default()),
    }
}

/// Why the message is not sent, as it is answered.
fn denied(reason: Denied, channel: Channel, now: Timestamp) -> ManagementError {
    let address = match channel {
        Channel::Sms => "phone",
        Channel::Email => "email",
    };
    match reason {
        Denied::NoSender | Denied::Undeliverable => ManagementError::Failed(Violation::new(
            ViolationCode::SendFailed,
            "type",
            "There is no sender for messages to devices of this type",
        )),
        Denied::CountryDenied => Violation::invalid(
            address,
            "The notification policy does not allow messages to this country",
        )
        .into(),
        Denied::TooSoon { until } => {
            let retry_after = until.since(now);
            let inner = serde_json::json!({
                "retryAfter": retry_after.as_seconds_ceil(),
                "coolDownExpiresAt": until,
            });
            let message = "Too many messages were sent";
            ManagementError::Limited {
                detail: Violation::new(ViolationCode::LimitExceeded, address, message).with(inner),
                retry_after,
            }
        }
        Denied::QuotaExceeded { limit, resets_at } => {
            let inner = serde_json::json!({ "quotaLimit": limit, "quotaResetTime": resets_at });
            let message = "The quota of the notification policy is used up";
            ManagementError::Failed(
                Violation::new(ViolationCode::QuotaExceeded, address, message).with(inner),
            )
        }
    }
}
