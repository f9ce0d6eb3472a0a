//! The flows API: a flow is read, and acted upon. The action is named by the media type.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use stepgate_app::{
    error::ManagementError,
    sign_on::{self, Deed, FlowFailure},
};
use stepgate_domain::{
    flow::{Action, FlowError, input::NEVER_OFFERED},
    id::Ref,
    ids::{Device, DeviceId},
    otp, schema,
    secret::Secret,
    violation::Violation,
};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::{flow, management::ApiError},
    openapi::protocol,
    reply::Reply,
    sign_on as edge,
};

const PATH: &str = "/{environmentID}/flows/{flowID}";

#[derive(Debug, Deserialize, JsonSchema)]
struct UserLookup {
    #[schemars(length(min = 1, max = 512))]
    username: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct UsernamePasswordCheck {
    /// Absent: the flow's user.
    #[schemars(length(min = 1, max = 512))]
    username: Option<String>,
    #[schemars(with = "String", length(min = 1, max = 4096))]
    password: Secret<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct DeviceSelect {
    device: Ref<Device>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct OtpCheck {
    /// Digits; spaces do not matter.
    #[expect(
        dead_code,
        reason = "describes the body; what counts as an attempt is the domain's to say"
    )]
    otp: String,
}

pub(super) fn operations(api: Api) -> Api {
    let api = api.op(Operation::new(
        Method::GET,
        PATH,
        Takes::Nothing,
        Guard::Public,
        "Read a flow",
        read,
    )
    .json(protocol::flow)
    .limited()
    .private());
    let api = Action::ALL.into_iter().fold(api, |api, action| {
        let operation = Operation::new(
            Method::POST,
            PATH,
            Takes::Vendor(action.name()),
            Guard::Public,
            "Act upon a flow",
            move |call| act(call, action),
        )
        .json(protocol::flow)
        .limited()
        .private();
        api.op(match action {
            Action::SessionReset => operation,
            Action::UserLookup => operation.request::<UserLookup>(),
            Action::UsernamePasswordCheck => operation.request::<UsernamePasswordCheck>(),
            Action::DeviceSelect => operation.request::<DeviceSelect>(),
            Action::OtpCheck => operation.request::<OtpCheck>(),
        })
    });
    NEVER_OFFERED.into_iter().fold(api, |api, name| {
        api.op(Operation::new(
            Method::POST,
            PATH,
            Takes::Vendor(name),
            Guard::Public,
            "Act upon a flow",
            move |call| refuse(call, name),
        )
        .status(400)
        .private())
    })
}

async fn read(call: Call) -> Result<Reply, ApiError> {
    let environment = call.environment().map_err(|error| nowhere(&call, error))?;
    let flow = named(&call)?;
    let visitor = edge::visitor(&call);
    let shown = sign_on::poll(&call.app, environment, flow, &visitor)
        .await
        .map_err(|failure| flow::told(failure, &call.exchange, call.app.now()))?;
    edge::flow(&call, environment, shown)
}

async fn act(call: Call, action: Action) -> Result<Reply, ApiError> {
    let environment = call.environment().map_err(|error| nowhere(&call, error))?;
    let flow = named(&call)?;
    let visitor = edge::visitor(&call);
    let told = |failure| flow::told(failure, &call.exchange, call.app.now());
    match deed(&call, action) {
        Ok(deed) => {
            let shown = sign_on::act(&call.app, environment, flow, &visitor, deed)
                .await
                .map_err(told)?;
            edge::flow(&call, environment, shown)
        }
        Err(error) => {
            // A bad body is told only to who may act upon the flow, and only where the action is
            // possible.
            let shown = sign_on::look(&call.app, environment, flow, &visitor)
                .await
                .map_err(told)?;
            let allowed_origin = shown.allowed_origin;
            if shown.flow.offers(action) {
                call.exchange.admit_page(allowed_origin.as_deref());
                return Err(completed(error, &call, shown.flow.needs(action)));
            }
            Err(told(FlowFailure::Refused {
                error: FlowError::InvalidAction {
                    action: Some(action),
                    status: shown.flow.status.name(),
                },
                allowed_origin,
            }))
        }
    }
}

/// All faults at once: with those of a body that only this flow finds.
fn completed(error: ApiError, call: &Call, needed: Option<&'static str>) -> ApiError {
    let missing = needed.filter(|name| {
        let body = call.json().unwrap_or_default();
        body.get(name).is_none_or(Value::is_null)
    });
    match (error, missing) {
        (ApiError::Management(ManagementError::Invalid(mut faults)), Some(name)) => {
            faults.insert(0, Violation::required(name));
            faults.into()
        }
        (error, _) => error,
    }
}

async fn refuse(call: Call, name: &'static str) -> Result<Reply, ApiError> {
    let environment = call.environment().map_err(|error| nowhere(&call, error))?;
    let flow = named(&call)?;
    let visitor = edge::visitor(&call);
    let failure = sign_on::refuse_unoffered(&call.app, environment, flow, &visitor, name).await;
    Err(flow::told(failure, &call.exchange, call.app.now()))
}

fn named(call: &Call) -> Result<uuid::Uuid, ApiError> {
    let flow = call
        .id::<()>("flowID")
        .map_err(|error| nowhere(call, error))?;
    Ok(flow.uuid())
}

/// A path with what is no id in it is there for nobody, and every page may know.
fn nowhere(call: &Call, error: ApiError) -> ApiError {
    call.exchange.admit_any_page();
    error
}

/// What the body asks for; all that is wrong with it at once.
fn deed(call: &Call, action: Action) -> Result<Deed, ApiError> {
    let body = call.json()?;
    Ok(match action {
        Action::SessionReset => Deed::SessionReset,
        Action::UserLookup => {
            let UserLookup { username } = schema::decode(body)?;
            Deed::UserLookup { username }
        }
        Action::UsernamePasswordCheck => {
            let UsernamePasswordCheck { username, password } = schema::decode(body)?;
            Deed::UsernamePasswordCheck { username, password }
        }
        Action::DeviceSelect => {
            let DeviceSelect { device } = schema::decode(body)?;
            let device: DeviceId = device.id.cast();
            Deed::DeviceSelect { device }
        }
        Action::OtpCheck => {
            let Value::Object(members) = body else {
                return Err(Violation::invalid("", "must be a JSON object").into());
            };
            Deed::OtpCheck {
                otp: otp::submitted(members.get("otp"))?,
            }
        }
    })
}
