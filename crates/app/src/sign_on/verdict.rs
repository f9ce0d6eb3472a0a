//! What a client does, as a verdict that the engine can judge: names are looked up, codes and passwords
//! compared. No password and no code goes further.

use stepgate_domain::{
    flow::{self, FlowError, Input, PasswordVerdict, SubjectFacts},
    ids::FlowId,
    password::{CheckOutcome, PasswordStatus},
    secret::Secret,
};

use super::{
    Deed, Visitor, code,
    facts::{Known, stand_in_of},
    look_ups::{Counted, TooMany},
};
use crate::{
    App,
    error::ManagementError,
    seal::DataKey,
    users::password::{self, Attempt},
};

/// The name that the step is about, where somebody types it, or has typed it and proved nothing.
pub(super) fn typed_name<'a>(deed: &'a Deed, flow: &'a flow::Flow) -> Option<&'a str> {
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
pub(super) fn count_look_up(
    app: &App,
    flow: FlowId,
    visitor: &Visitor,
) -> Result<Option<Counted>, FlowError> {
    let (Some(address), Some(hourly)) = (visitor.remote_ip, app.settings.look_ups_hourly) else {
        return Ok(None);
    };
    let counted = app.look_ups.count(address, flow, hourly, app.now());
    counted.map_err(|TooMany { retry_after }| FlowError::TooManyNames { retry_after })
}

/// The deed as a verdict, with whom it is about.
pub(super) struct Judged {
    pub(super) input: Input,
    pub(super) known: Option<Known>,
    pub(super) stand_in: Option<SubjectFacts>,
    pub(super) attempt: Option<Attempt>,
}

pub(super) async fn judge(
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
