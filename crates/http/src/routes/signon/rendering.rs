//! The page for the step that is due.

use axum::http::{StatusCode, header};
use stepgate_app::sign_on::{self, Shown};
use stepgate_domain::{
    flow::{
        Action, Flow, Status,
        state::Identification,
        status::{DeviceEntry, UsableStatus},
        view,
    },
    time::{Duration, Timestamp},
};

use super::{Visit, token, words};
use crate::{
    call::Call,
    error::page::PageError,
    pages::{CompletedPage, DeviceChoice, EarlierSignOn, FailedPage, SignOnPage, SignOnStep},
    reply::Reply,
    sign_on as edge,
};

/// What the last input led to, to be said beside the next step.
#[derive(Default)]
pub(super) struct Remark {
    pub(super) fault: Option<String>,
    pub(super) notice: Option<String>,
    pub(super) attempts_remaining: Option<u32>,
    pub(super) retry_after: Option<Duration>,
    /// What was typed, so that it need not be typed again.
    pub(super) username: Option<String>,
}

pub(super) async fn page(
    call: &Call,
    visit: &Visit,
    shown: &Shown,
    remark: Remark,
    status: StatusCode,
) -> Result<Reply, PageError> {
    let Shown { flow, cookie, .. } = shown;
    let base = edge::base(call, visit.environment);
    let application = Some(flow.application.name.clone());
    let retry_after = remark.retry_after;
    let reply = match &flow.status {
        Status::Completed => Reply::page(
            StatusCode::OK,
            &CompletedPage {
                application,
                continue_url: view::resume_url(flow, &base),
            },
        ),
        Status::Failed { error } => Reply::page(
            StatusCode::OK,
            &FailedPage {
                application,
                message: format!("{}.", error.message()),
                continue_url: Some(view::resume_url(flow, &base)),
            },
        ),
        due => {
            let now = call.app.now();
            let not_sent = due.not_sent(now).filter(|_| remark.fault.is_none());
            let said = not_sent.map(|it| words::not_sent(it.denied, now));
            let step_page = SignOnPage {
                application,
                post_to: edge::hosted_page(call, visit.environment, visit.flow),
                flow_id: visit.flow.to_string(),
                csrf_token: token(call, shown).await?,
                can_start_over: can_start_over(flow),
                step: step(flow, due, &remark, now),
                fault: remark.fault,
                notice: remark.notice.or(said),
                earlier: earlier(call, visit, shown).await?,
            };
            Reply::page(status, &step_page)
        }
    };
    let reply = reply
        .map_err(PageError::Failed)?
        .with_session(&call.exchange.origin, cookie.as_ref());
    Ok(match retry_after {
        Some(wait) => reply.with(header::RETRY_AFTER, &wait.as_seconds_ceil().to_string()),
        None => reply,
    })
}

/// The way to the flow of this browser that has the code.
async fn earlier(
    call: &Call,
    visit: &Visit,
    shown: &Shown,
) -> Result<Option<EarlierSignOn>, PageError> {
    let found = sign_on::earlier(&call.app, &visit.visitor, shown)
        .await
        .map_err(|error| PageError::Failed(error.into()))?;
    Ok(found.map(|flow| EarlierSignOn {
        url: edge::hosted_page(call, visit.environment, flow.id.uuid()),
        application: flow.application.name,
    }))
}

/// Whether starting over could lead to somebody else: not where a signed hint says who it is.
fn can_start_over(flow: &Flow) -> bool {
    flow.offers(Action::SessionReset)
        && flow
            .user
            .as_ref()
            .is_some_and(|user| user.identified_by != Identification::SignedHint)
}

fn step(flow: &Flow, due: &Status, remark: &Remark, now: Timestamp) -> SignOnStep {
    let username = remark.username.clone().or_else(|| flow.login_hint.clone());
    let is_anonymous = flow.is_anonymous();
    let choice = |entry: &DeviceEntry| choice(entry, is_anonymous, now);
    match due {
        Status::OtpRequired { devices, challenge } => {
            let is_chosen = |entry: &&DeviceEntry| entry.id == challenge.device;
            let Some(chosen) = devices.iter().find(is_chosen).map(choice) else {
                let devices = devices.iter().map(choice).collect();
                return SignOnStep::ChooseDevice { devices };
            };
            let waiting = remark.retry_after.or_else(|| {
                let free_at = view::may_resend_at(flow)?;
                (free_at > now).then(|| free_at.since(now))
            });
            let seconds = waiting.unwrap_or(Duration::ZERO).as_seconds_ceil();
            SignOnStep::EnterCode {
                device: chosen,
                attempts_remaining: remark.attempts_remaining,
                resend_after: u32::try_from(seconds).unwrap_or_default(),
                other_devices: devices
                    .iter()
                    .filter(|entry| !is_chosen(entry))
                    .map(choice)
                    .collect(),
            }
        }
        Status::DeviceSelectionRequired { devices, .. } => SignOnStep::ChooseDevice {
            devices: devices.iter().map(choice).collect(),
        },
        Status::PasswordRequired => SignOnStep::EnterPassword {
            username: flow
                .user
                .as_ref()
                .map(|user| user.username.clone())
                .unwrap_or_default(),
        },
        Status::UsernamePasswordRequired => SignOnStep::EnterUsernameAndPassword { username },
        Status::SignOnRequired | Status::Completed | Status::Failed { .. } => {
            SignOnStep::EnterUsername { username }
        }
    }
}

fn choice(entry: &DeviceEntry, is_anonymous: bool, now: Timestamp) -> DeviceChoice {
    DeviceChoice {
        id: entry.id.to_string(),
        channel: entry.kind.channel(),
        masked_address: (!is_anonymous).then(|| entry.masked_address.clone()),
        nickname: entry.nickname.clone(),
        is_usable: entry.usable_at(now) == UsableStatus::Usable,
    }
}
