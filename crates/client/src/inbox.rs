//! The developer inbox: where a server that runs on a laptop delivers its messages.

use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::{Client, ClientError, Request};

#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    pub id: String,
    pub to: String,
    pub channel: String,
    pub text: String,
    /// The one-time code of the text, when it has one.
    pub code: Option<String>,
    pub time: String,
}

/// Everything that was delivered to this address, oldest first.
pub async fn messages_to(client: &Client, to: &str) -> Result<Vec<Message>, ClientError> {
    #[derive(Deserialize)]
    struct Inbox {
        messages: Vec<Message>,
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("to", to)
        .finish();
    let answer = client
        .call(Request::get(format!("/inbox/messages?{query}")), 200)
        .await?;
    let body = answer.body.to_string();
    let mut messages = serde_json::from_value::<Inbox>(answer.body)
        .map_err(|_| ClientError::Missing {
            pointer: "/messages",
            body,
        })?
        .messages;
    messages.sort_by(|one, other| (&one.time, &one.id).cmp(&(&other.time, &other.id)));
    Ok(messages)
}

/// The newest message to this address once there are more than `already` of them. Delivery is the
/// work of a background worker, so this asks until `patience` is used up.
pub async fn next_message(
    client: &Client,
    to: &str,
    already: usize,
    patience: Duration,
) -> Result<Message, ClientError> {
    let start = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(5));
    loop {
        pause.tick().await;
        let mut messages = messages_to(client, to).await?;
        if messages.len() > already
            && let Some(message) = messages.pop()
        {
            return Ok(message);
        }
        if start.elapsed() > patience {
            return Err(ClientError::NoMessage {
                to: to.to_owned(),
                waited: patience,
            });
        }
    }
}
