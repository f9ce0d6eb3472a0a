//! The hosted sign-on page: the flows API for a person with a browser, without JavaScript.

mod rendering;
mod words;

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, header},
};
use stepgate_app::sign_on::{self, Deed, FlowFailure, Shown, Visitor};
use stepgate_domain::{
    flow::{Action, FlowError, Status, input::NamedAction},
    id::Id,
    oauth::parameters::Parameters,
    otp,
    resources::environment::Environment,
    secret::Secret,
};
use uuid::Uuid;

use self::rendering::{Remark, page};
use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::{flow::told, management::ApiError, page::PageError},
    openapi::{Body, parameters, protocol},
    pages::{STYLESHEET, STYLESHEET_PATH},
    refusal::Refusal,
    reply::{Content, Reply},
    sign_on as edge,
};

/// In the query of the page that follows a request for a new code.
const SENT: (&str, &str) = ("notice", "sent");

pub(super) fn operations(api: Api) -> Api {
    // Links are written with the slash; people and proxies lose it.
    let paths = ["/{environmentID}/signon/", "/{environmentID}/signon"];
    let api = paths.into_iter().fold(api, |api, path| {
        api.op(Operation::new(
            Method::GET,
            path,
            Takes::Nothing,
            Guard::Public,
            "The hosted sign-on page",
            show,
        )
        .text("text/html")
        .limited()
        .parameters([
            parameters::id("flowId", "The flow that the page is of."),
            parameters::text(SENT.0, "`sent`: says that a new code is on its way."),
        ])
        .private())
            .op(Operation::new(
                Method::POST,
                path,
                Takes::Form,
                Guard::Public,
                "What the person entered on the hosted sign-on page",
                submit,
            )
            .takes(protocol::page_form)
            .status(303)
            .or(200, Body::Text("text/html"))
            .or(400, Body::Text("text/html"))
            .limited()
            .private())
    });
    api.op(Operation::new(
        Method::GET,
        STYLESHEET_PATH,
        Takes::Nothing,
        Guard::Public,
        "The style of all pages",
        stylesheet,
    )
    .text("text/css"))
}

async fn stylesheet(_: Call) -> Result<Reply, ApiError> {
    let style = Content::Text(
        "text/css; charset=utf-8",
        Bytes::from_static(STYLESHEET.as_bytes()),
    );
    Ok(Reply::new(StatusCode::OK, style).with(header::CACHE_CONTROL, "public, max-age=3600"))
}

/// The sign-on that the request is about, and who asks.
struct Visit {
    environment: Id<Environment>,
    flow: Uuid,
    visitor: Visitor,
}

impl Visit {
    fn of(call: &Call, flow: Option<&str>) -> Result<Self, PageError> {
        let environment = call.environment().map_err(|_| PageError::Expired)?;
        let flow = flow.ok_or(PageError::Expired)?;
        Ok(Self {
            environment,
            flow: edge::flow_id(flow).map_err(|_| PageError::Expired)?,
            visitor: Visitor {
                // Judged here: only this server's own page may post, whatever the application allows.
                web_origin: None,
                ..edge::visitor(call)
            },
        })
    }

    async fn look(&self, call: &Call) -> Result<Shown, PageError> {
        let shown = sign_on::look(&call.app, self.environment, self.flow, &self.visitor)
            .await
            .map_err(|failure| refused(call, self, failure))?;
        edge::note_client(call, shown.flow.application.id.uuid());
        Ok(shown)
    }
}

/// A fault that no step of the page can show.
fn refused(call: &Call, visit: &Visit, failure: FlowFailure) -> PageError {
    let has_no_cookie = visit.visitor.session_tokens.is_empty();
    if has_no_cookie && matches!(failure, FlowFailure::NoSession) {
        call.exchange.refuse(Refusal::new("PAGE", "cookie_missing"));
        return PageError::Shown {
            status: StatusCode::BAD_REQUEST,
            message: "Your browser sent no cookie, and without one you cannot sign on. \
                      Allow cookies for this site."
                .to_owned(),
        };
    }
    call.exchange.refuse(&failure);
    match failure {
        FlowFailure::NotFound
        | FlowFailure::NoSession
        | FlowFailure::Refused {
            error: FlowError::FlowExpired,
            ..
        } => PageError::Expired,
        failure => PageError::Failed(told(failure, &call.exchange, call.app.now())),
    }
}

async fn show(call: Call) -> Result<Reply, PageError> {
    let visit = Visit::of(&call, call.query_value("flowId"))?;
    let shown = visit.look(&call).await?;
    let is_sent = call.query_value(SENT.0) == Some(SENT.1);
    let remark = Remark {
        notice: is_sent.then(|| "A new code is on its way.".to_owned()),
        ..Remark::default()
    };
    page(&call, &visit, &shown, remark, StatusCode::OK).await
}

async fn submit(call: Call) -> Result<Reply, PageError> {
    let form = Parameters::parse(&call.body);
    let field = |name: &str| form.get(name).ok().flatten();
    let visit = Visit::of(&call, field("flowId"))?;
    let forged = |check| {
        call.exchange.refuse(Refusal::new("PAGE", check));
        PageError::Shown {
            status: StatusCode::FORBIDDEN,
            message: "The request has expired or is invalid.".to_owned(),
        }
    };
    if !is_from_own_page(&call) {
        return Err(forged("form_of_other_site"));
    }
    let shown = visit.look(&call).await?;
    if !is_the_flows(&call, &shown, field("csrfToken")).await? {
        return Err(forged("form_of_other_flow"));
    }
    let action = field("action").unwrap_or_default();
    let NamedAction::Known(action) = Action::named(action) else {
        call.exchange.refuse(Refusal::new("PAGE", "action_unknown"));
        return Err(PageError::Expired);
    };
    let username = field("username").map(str::to_owned);
    let deed = match deed(action, field) {
        Ok(deed) => deed,
        Err(fault) => {
            call.exchange
                .refuse(Refusal::new("PAGE", "form_incomplete"));
            let remark = Remark {
                fault: Some(fault.to_owned()),
                username,
                ..Remark::default()
            };
            return page(&call, &visit, &shown, remark, StatusCode::BAD_REQUEST).await;
        }
    };
    let done = sign_on::act(
        &call.app,
        visit.environment,
        visit.flow,
        &visit.visitor,
        deed,
    )
    .await;
    match done {
        Ok(shown) => Ok(next(&call, &visit, &shown, action)),
        Err(FlowFailure::Refused { error, .. }) => refuse(&call, &visit, error, username).await,
        Err(failure) => Err(refused(&call, &visit, failure)),
    }
}

/// After a post always a page to get, so that going back or reloading posts nothing again.
fn next(call: &Call, visit: &Visit, shown: &Shown, action: Action) -> Reply {
    let mut location = edge::hosted_page(call, visit.environment, visit.flow);
    let is_sent = matches!(shown.flow.status, Status::OtpRequired { .. });
    if action == Action::DeviceSelect && is_sent {
        let (name, value) = SENT;
        location = format!("{location}&{name}={value}");
    }
    Reply::see_other(&location).with_session(&call.exchange.origin, shown.cookie.as_ref())
}

async fn refuse(
    call: &Call,
    visit: &Visit,
    error: FlowError,
    username: Option<String>,
) -> Result<Reply, PageError> {
    call.exchange.refuse(&error);
    let shown = visit.look(call).await?;
    if matches!(error, FlowError::InvalidAction { .. }) {
        // Sent twice, or from a page of before: what is due now says enough.
        return Ok(next(call, visit, &shown, Action::SessionReset));
    }
    let said = words::fault(&error, call.app.now());
    let mut remark = Remark {
        username,
        ..Remark::default()
    };
    let mut status = StatusCode::BAD_REQUEST;
    match error {
        // Nobody did anything wrong: the button cannot know by itself when it may be pressed.
        FlowError::RateLimited { retry_after, .. } => {
            remark.notice = Some(said);
            remark.retry_after = Some(retry_after);
            status = StatusCode::TOO_MANY_REQUESTS;
        }
        FlowError::TooManyNames { retry_after } => {
            remark.fault = Some(said);
            remark.retry_after = Some(retry_after);
            status = StatusCode::TOO_MANY_REQUESTS;
        }
        FlowError::InvalidOtp { attempts_remaining } => {
            remark.fault = Some(said);
            remark.attempts_remaining = Some(attempts_remaining);
        }
        _ => remark.fault = Some(said),
    }
    page(call, visit, &shown, remark, status).await
}

/// What the form asks for, or what the person left out.
fn deed<'f>(action: Action, field: impl Fn(&str) -> Option<&'f str>) -> Result<Deed, &'static str> {
    match action {
        Action::SessionReset => Ok(Deed::SessionReset),
        Action::UserLookup => Ok(Deed::UserLookup {
            username: field("username").ok_or("Enter your username.")?.to_owned(),
        }),
        Action::UsernamePasswordCheck => Ok(Deed::UsernamePasswordCheck {
            username: field("username").map(str::to_owned),
            password: field("password")
                .map(|password| Secret::new(password.to_owned()))
                .ok_or("Enter your password.")?,
        }),
        Action::DeviceSelect => Ok(Deed::DeviceSelect {
            device: field("deviceId")
                .and_then(|id| id.parse().ok())
                .ok_or("Choose a device.")?,
        }),
        Action::OtpCheck => {
            let text = field("otp").unwrap_or_default();
            Ok(Deed::OtpCheck {
                otp: otp::submitted(Some(&text.into())).map_err(|_| "Enter the code.")?,
            })
        }
    }
}

/// Whether the form stands on a page of this server, as far as the browser tells. It tells `null`
/// for the origin of a page that, like ours, sends no referrer; then it is `Sec-Fetch-Site` that
/// tells, and in browsers without that, only the form's token.
fn is_from_own_page(call: &Call) -> bool {
    let sent = |headers: &HeaderMap, name: &str| {
        let value = headers.get(name)?;
        // What is not even text is none of ours.
        Some(value.to_str().unwrap_or("-").to_owned())
    };
    let is_own_site = sent(&call.headers, "sec-fetch-site")
        .is_none_or(|site| site == "same-origin" || site == "none");
    let is_own_origin = sent(&call.headers, "origin")
        .is_none_or(|origin| origin == "null" || call.exchange.origin.is_of(&origin));
    is_own_site && is_own_origin
}

/// Whether the form was given out with this flow.
async fn is_the_flows(call: &Call, shown: &Shown, sent: Option<&str>) -> Result<bool, PageError> {
    let expected = token(call, shown).await?;
    Ok(sent.is_some_and(|sent| expected.matches(sent.as_bytes())))
}

async fn token(call: &Call, shown: &Shown) -> Result<Secret<String>, PageError> {
    sign_on::page_token(&call.app, shown)
        .await
        .map_err(|error| PageError::Failed(error.into()))
}
