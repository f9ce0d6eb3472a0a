//! What is done to a flow: load, compare, step, commit, and only then answer.

use std::{mem, sync::Arc};

use stepgate_domain::{
    flow::{self, Action, Answer, FlowError, Input, PasswordVerdict, SubjectFacts, Transition},
    id::Id,
    ids::{FlowId, MessageId},
    password::{CheckOutcome, PasswordStatus},
    resources::environment::Environment,
    secret::Secret,
    violation::Violation,
};
use stepgate_store::{
    engine::{Batch, Fault, Statement, StoreError},
    facts::flow_facts,
    flows,
};
use uuid::Uuid;

use super::{
    ATTEMPTS, Deed, FlowFailure, Shown, Visitor,
    admission::{Admitted, admit, environment_key},
    authorize::stored,
    code::{self, Drawn},
    effects::{Stage, Writes},
    facts::{Known, Whom, facts, is_permitted, stand_in_of},
    look_ups::{Counted, TooMany},
    pace::Pace,
};
use crate::{
    App,
    error::ManagementError,
    seal::DataKey,
    users::password::{self, Attempt},
};

/// Does something to a flow. What a step was judged by is checked again by the commit; whoever comes
/// second is judged by what the first one left.
pub async fn act(
    app: &App,
    environment: Id<Environment>,
    flow: Uuid,
    visitor: &Visitor,
    deed: Deed,
) -> Result<Shown, FlowFailure> {
    let key = environment_key(app, environment)
        .await?
        .ok_or(FlowFailure::NotFound)?;
    let mut pace = Pace::begin();
    let done = try_often(app, environment, &key, flow, visitor, &deed, &mut pace).await;
    pace.keep().await;
    done
}

async fn try_often(
    app: &App,
    environment: Id<Environment>,
    key: &Arc<DataKey>,
    flow: Uuid,
    visitor: &Visitor,
    deed: &Deed,
    pace: &mut Pace,
) -> Result<Shown, FlowFailure> {
    for _ in 0..ATTEMPTS {
        if let Some(shown) = try_once(app, environment, key, flow, visitor, deed, pace).await? {
            return Ok(shown);
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

/// `None`: it has to be judged again.
async fn try_once(
    app: &App,
    environment: Id<Environment>,
    key: &Arc<DataKey>,
    flow: Uuid,
    visitor: &Visitor,
    deed: &Deed,
    pace: &mut Pace,
) -> Result<Option<Shown>, FlowFailure> {
    let now = app.now();
    let (row, user) = flow_facts(&*app.engine, environment.uuid(), flow)
        .await?
        .unzip();
    let known = user
        .flatten()
        .map(|rows| Known::of(rows, now))
        .transpose()?;
    if let Some(known) = &known
        && known.was_ahead(app, now).await?
    {
        return Ok(None);
    }
    let admitted = admit(app, key.clone(), row, visitor).await?;
    let Admitted {
        flow,
        version,
        application,
        allowed_origin,
        ..
    } = admitted;
    let refuse = |error| refused(error, allowed_origin.clone());
    let action = action(deed);
    if !flow.offers(action) {
        let status = flow.status.name();
        return Err(refuse(FlowError::InvalidAction {
            action: Some(action),
            status,
        }));
    }
    if let Some(violation) = fault(deed, &flow) {
        return Err(FlowFailure::Invalid {
            violations: vec![violation],
            allowed_origin,
        });
    }
    pace.is_kept = typed_name(deed, &flow).is_some();
    let counted = match deed {
        Deed::UserLookup { .. } => count_look_up(app, flow.id, visitor).map_err(refuse)?,
        _ => None,
    };
    let Judged {
        input,
        known,
        stand_in,
        attempt,
    } = judge(app, key, &flow, known, deed).await?;
    let whom = Whom {
        known: known.as_ref(),
        is_permitted: is_permitted(&application, known.as_ref()),
        stand_in,
    };
    let drawn = Drawn::new(app, key, flow.id);
    let facts = facts(app, environment.uuid(), &flow.policies, whom, &drawn, now).await?;
    let Transition {
        flow,
        effects,
        answer,
    } = flow::step(&flow, &input, &facts).map_err(refuse)?;
    let stage = Stage {
        app,
        key,
        flow: &flow,
        known: known.as_ref(),
        visitor: Some(visitor),
        drawn: &drawn,
        now,
    };
    let mut writes = stage.writes(effects, attempt).await?;
    let mut batch = Batch(vec![flows::update(stored(&flow, version)?)]);
    batch.extend(mem::take(&mut writes.statements));
    match app.commit(batch).await {
        Ok(()) => {}
        Err(StoreError::Refused(Fault::Stale)) => {
            if let Some(counted) = counted {
                app.look_ups.take_back(counted);
            }
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    writes.committed(app);
    match answer {
        Answer::Accepted => Ok(Some(Shown {
            flow,
            cookie: None,
            authorize_response: None,
            refused: None,
            allowed_origin,
        })),
        Answer::Refused(error) => Err(refuse(error)),
    }
}

pub(super) fn refused(error: FlowError, allowed_origin: Option<String>) -> FlowFailure {
    match error {
        FlowError::FlowExpired => FlowFailure::NotFound,
        FlowError::FactsMissing => super::unexpected(error).into(),
        error => FlowFailure::Refused {
            error,
            allowed_origin,
        },
    }
}

const fn action(deed: &Deed) -> Action {
    match deed {
        Deed::SessionReset => Action::SessionReset,
        Deed::UserLookup { .. } => Action::UserLookup,
        Deed::UsernamePasswordCheck { .. } => Action::UsernamePasswordCheck,
        Deed::DeviceSelect { .. } => Action::DeviceSelect,
        Deed::OtpCheck { .. } => Action::OtpCheck,
    }
}

/// A member that this flow cannot do without.
fn fault(deed: &Deed, flow: &flow::Flow) -> Option<Violation> {
    match deed {
        Deed::UserLookup { username }
        | Deed::UsernamePasswordCheck {
            username: Some(username),
            ..
        } => username
            .trim()
            .is_empty()
            .then(|| Violation::empty("username")),
        Deed::UsernamePasswordCheck { username: None, .. } => {
            flow.needs(action(deed)).map(Violation::required)
        }
        Deed::SessionReset | Deed::DeviceSelect { .. } | Deed::OtpCheck { .. } => None,
    }
}

/// The name that the step is about, where somebody types it, or has typed it and proved nothing.
fn typed_name<'a>(deed: &'a Deed, flow: &'a flow::Flow) -> Option<&'a str> {
    match deed {
        Deed::UserLookup { username }
        | Deed::UsernamePasswordCheck {
            username: Some(username),
            ..
        } => Some(username),
        _ => flow.typed_name(),
    }
}

/// Nothing is counted where the client's address is not known, or where it may type as many as it
/// likes.
fn count_look_up(app: &App, flow: FlowId, visitor: &Visitor) -> Result<Option<Counted>, FlowError> {
    let (Some(address), Some(hourly)) = (visitor.remote_ip, app.settings.look_ups_hourly) else {
        return Ok(None);
    };
    let counted = app.look_ups.count(address, flow, hourly, app.now());
    counted.map_err(|TooMany { retry_after }| FlowError::TooManyNames { retry_after })
}

/// The deed as a verdict, with whom it is about.
struct Judged {
    input: Input,
    known: Option<Known>,
    stand_in: Option<SubjectFacts>,
    attempt: Option<Attempt>,
}

async fn judge(
    app: &App,
    key: &DataKey,
    flow: &flow::Flow,
    known: Option<Known>,
    deed: &Deed,
) -> Result<Judged, ManagementError> {
    let environment = flow.environment.uuid();
    let now = app.now();
    let mut judged = Judged {
        input: Input::SessionReset,
        known,
        stand_in: None,
        attempt: None,
    };
    // Boxed: the future of every step is as large as that of its largest part.
    if let Some(name) = typed_name(deed, flow) {
        judged.known = Box::pin(Known::by_username(app, environment, name)).await?;
    }
    let to_be_proved = match deed {
        Deed::UserLookup { username } => Some(username.as_str()),
        _ => flow.typed_name(),
    };
    if let Some(name) = to_be_proved {
        judged.stand_in = Some(Box::pin(stand_in_of(app, key, flow, name, now)).await?);
    }
    match deed {
        Deed::SessionReset => {}
        Deed::UserLookup { username } => {
            judged.input = Input::UserLookedUp {
                username: username.clone(),
            };
        }
        Deed::UsernamePasswordCheck { username, password } => {
            let (verdict, attempt) = password_verdict(app, judged.known.as_ref(), password).await?;
            judged.attempt = attempt;
            judged.input = Input::PasswordChecked {
                username: username.clone(),
                verdict,
            };
        }
        Deed::DeviceSelect { device } => {
            judged.input = Input::DeviceSelected { device: *device };
        }
        Deed::OtpCheck { otp } => {
            judged.input = Input::OtpChecked {
                verdict: code::verdict(key, flow, otp),
            };
        }
    }
    Ok(judged)
}

/// Takes as long for a name that nobody has.
async fn password_verdict(
    app: &App,
    known: Option<&Known>,
    password: &Secret<String>,
) -> Result<(PasswordVerdict, Option<Attempt>), ManagementError> {
    let Some(known) = known else {
        app.passwords.matches(password.clone(), None).await?;
        return Ok((PasswordVerdict::Wrong, None));
    };
    let now = app.now();
    // Boxed, as above.
    let attempt = Box::pin(password::attempt(app, &known.user, password, now)).await?;
    let credentials = &known.user.body.credentials;
    let verdict = match attempt.outcome {
        CheckOutcome::Right => match PasswordStatus::of(credentials, &attempt.policy.body, now) {
            PasswordStatus::MustChangePassword | PasswordStatus::PasswordExpired => {
                PasswordVerdict::ChangeRequired
            }
            PasswordStatus::Ok | PasswordStatus::PasswordLockedOut | PasswordStatus::NoPassword => {
                PasswordVerdict::Matched
            }
        },
        CheckOutcome::Wrong { .. } => PasswordVerdict::Wrong,
        CheckOutcome::NoPassword => PasswordVerdict::NoPassword,
        CheckOutcome::LockedOut { .. } => PasswordVerdict::LockedOut {
            until: credentials.locks.password.and_then(|lock| lock.until),
        },
    };
    Ok((verdict, Some(attempt)))
}

/// Whether the flow still waits for the code of the message.
pub async fn awaits(
    app: &App,
    environment: Uuid,
    flow: Uuid,
    message: &str,
) -> Result<bool, ManagementError> {
    let Some(row) = flows::read(&*app.engine, environment, flow).await? else {
        return Ok(false);
    };
    let flow: flow::Flow = serde_json::from_str(&row.body)?;
    let message: Option<MessageId> = message.parse().ok();
    Ok(message.is_some_and(|message| flow.awaits(message, app.now())))
}

/// The worker found out that a message of this flow cannot be delivered: `dead` is committed with
/// what the flow makes of it.
pub async fn delivery_failed(
    app: &App,
    environment: Uuid,
    flow: Uuid,
    message: &str,
    dead: Statement,
) -> Result<(), ManagementError> {
    let message: Option<MessageId> = message.parse().ok();
    let mut judged_by = None;
    for _ in 0..ATTEMPTS {
        let read = flow_facts(&*app.engine, environment, flow).await?;
        let told = match (read, message) {
            (Some((row, user)), Some(message)) => {
                if judged_by.replace(row.version) == Some(row.version) {
                    // The flow is as it was, so it was the lease that is lost.
                    return Ok(());
                }
                let key = app.data_key(environment).await?;
                let flow: flow::Flow = serde_json::from_str(&row.body)?;
                let known = user.map(|rows| Known::of(rows, app.now())).transpose()?;
                told(app, &key, &flow, row.version, known.as_ref(), message).await?
            }
            (None, _) | (_, None) => None,
        };
        let is_only_dead = told.is_none();
        let (statements, writes) = told.unzip();
        let mut batch = Batch(statements.unwrap_or_default());
        batch.push(dead.clone());
        match app.commit(batch).await {
            Ok(()) => {
                if let Some(writes) = writes {
                    writes.committed(app);
                }
                return Ok(());
            }
            // Whoever has the lease now writes the outcome.
            Err(StoreError::Refused(Fault::Stale)) if is_only_dead => return Ok(()),
            Err(StoreError::Refused(Fault::Stale)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Refused(Fault::Stale).into())
}

/// What the flow makes of it, and what is to be told of that: nothing, when it has gone on meanwhile.
async fn told(
    app: &App,
    key: &DataKey,
    flow: &flow::Flow,
    version: i64,
    known: Option<&Known>,
    message: MessageId,
) -> Result<Option<(Vec<Statement>, Writes)>, ManagementError> {
    let now = app.now();
    let environment = flow.environment.uuid();
    let drawn = Drawn::new(app, key, flow.id);
    let stand_in = match flow.typed_name() {
        Some(name) => Some(stand_in_of(app, key, flow, name, now).await?),
        None => None,
    };
    let whom = Whom {
        known,
        // That does not matter to a message that was lost.
        is_permitted: true,
        stand_in,
    };
    let facts = facts(app, environment, &flow.policies, whom, &drawn, now).await?;
    let input = Input::DeliveryFailed { message };
    let Ok(Transition { flow, effects, .. }) = flow::step(flow, &input, &facts) else {
        return Ok(None);
    };
    let stage = Stage {
        app,
        key,
        flow: &flow,
        known,
        visitor: None,
        drawn: &drawn,
        now,
    };
    let mut writes = stage.writes(effects, None).await?;
    let mut statements = vec![flows::update(stored(&flow, version)?)];
    statements.append(&mut writes.statements);
    Ok(Some((statements, writes)))
}
