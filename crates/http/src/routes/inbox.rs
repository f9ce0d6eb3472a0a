//! The developer inbox: what a laptop has instead of a gateway. Only where the operator asked for
//! it, in development.

use axum::http::{Method, StatusCode};
use serde_json::json;
use stepgate_app::{error::ManagementError, inbox};

use crate::{
    api::{Api, Guard, Operation, Takes},
    call::Call,
    error::management::ApiError,
    openapi::{Parameter, parameters::text, shapes},
    pages::{InboxEntry, InboxPage},
    reply::Reply,
};

const REFRESH_SECONDS: u32 = 3;

/// Private, because every page that a developer visits could read the codes else.
pub(super) fn operations(api: Api) -> Api {
    api.op(Operation::new(
        Method::GET,
        "/inbox/messages",
        Takes::Nothing,
        Guard::Public,
        "The messages that the developer inbox has received, the newest last",
        list,
    )
    .json(shapes::inbox)
    .parameters([recipients()])
    .private())
        .op(Operation::new(
            Method::GET,
            "/inbox",
            Takes::Nothing,
            Guard::Public,
            "The developer inbox as a page",
            page,
        )
        .text("text/html")
        .parameters([recipients()])
        .private())
}

fn recipients() -> Parameter {
    text(
        "to",
        "Only the messages to this phone number or e-mail address.",
    )
}

fn is_served(call: &Call) -> Result<(), ApiError> {
    if call.app.settings.inbox {
        Ok(())
    } else {
        Err(ManagementError::NotFound(None).into())
    }
}

fn recipient(call: &Call) -> Option<&str> {
    call.query_value("to").filter(|to| !to.is_empty())
}

async fn list(call: Call) -> Result<Reply, ApiError> {
    is_served(&call)?;
    let mut messages = inbox::messages(&call.app, recipient(&call)).await?;
    messages.reverse();
    Ok(Reply::json(&json!({ "messages": messages }))?)
}

async fn page(call: Call) -> Result<Reply, ApiError> {
    is_served(&call)?;
    let to = recipient(&call);
    let messages = inbox::messages(&call.app, to).await?;
    let entries = messages.into_iter().map(|message| InboxEntry {
        to: message.to,
        channel: message.channel,
        text: message.text,
        code: message.code,
        time: message.time,
    });
    let page = InboxPage {
        to: to.map(str::to_owned),
        messages: entries.collect(),
        refresh_seconds: REFRESH_SECONDS,
    };
    Reply::page(StatusCode::OK, &page)
}
