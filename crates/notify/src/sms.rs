//! SMS through a gateway that speaks Twilio's REST interface (`Messages.json`, version 2010-04-01).

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, Url, header::RETRY_AFTER, redirect};
use serde::Deserialize;
use stepgate_domain::{
    message::{Channel, Message},
    phone::Phone,
    secret::Secret,
    time::Duration,
    violation::Violation,
    web_origin::is_loopback,
};

use crate::{
    cause,
    provider::{Delivery, NotifyError, Provider, Timeouts},
};

#[cfg(test)]
mod tests;

/// More of an answer than this is not read.
const LONGEST_ANSWER: usize = 16 * 1024;

const LONGEST_REFERENCE: usize = 64;

/// So much of the end of a phone number gives it away.
const LOCAL_DIGITS: usize = 7;

#[derive(Debug, Clone)]
pub struct SmsSettings {
    /// Up to, not including, `/2010-04-01`.
    pub base_url: String,
    pub account_sid: String,
    pub auth_token: Secret<String>,
    /// A number in international format, or a short code or name that the gateway knows. A template may
    /// ask for another.
    pub from: String,
    pub timeouts: Timeouts,
}

#[derive(Debug)]
pub struct SmsSender {
    client: Client,
    messages: Url,
    account_sid: String,
    auth_token: Secret<String>,
    from: String,
}

impl SmsSender {
    /// The violations' targets are the names of the settings.
    pub fn new(settings: SmsSettings) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        for (name, value) in [
            ("account_sid", settings.account_sid.as_str()),
            ("auth_token", settings.auth_token.expose()),
        ] {
            if value.trim().is_empty() {
                violations.push(Violation::empty(name));
            }
        }
        if !settings
            .account_sid
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        {
            violations.push(Violation::invalid(
                "account_sid",
                "must be letters, digits, - and _",
            ));
        }
        let from = sender(&settings.from)
            .map_err(|rule| violations.push(Violation::invalid("from", rule)))
            .unwrap_or_default();
        let messages = match messages_url(&settings.base_url, &settings.account_sid) {
            Ok(messages) => Some(messages),
            Err(rule) => {
                violations.push(Violation::invalid("base_url", rule));
                None
            }
        };
        // The configuration is the only place that says where a token may go: no proxy from the
        // environment, no redirect from the other side.
        let client = Client::builder()
            .connect_timeout(settings.timeouts.connect)
            .timeout(settings.timeouts.total)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("stepgate/", env!("CARGO_PKG_VERSION")))
            .build();
        match (client, messages) {
            (Ok(client), Some(messages)) if violations.is_empty() => Ok(Self {
                client,
                messages,
                account_sid: settings.account_sid,
                auth_token: settings.auth_token,
                from,
            }),
            (Err(_), _) => {
                violations.push(Violation::invalid(
                    "base_url",
                    "needs TLS, which cannot be set up on this system",
                ));
                Err(violations)
            }
            (Ok(_), _) => Err(violations),
        }
    }
}

/// A short code has at most so many digits.
const LONGEST_SHORT_CODE: usize = 6;

/// As the gateway takes it: a number in E.164 form, a short code, or a name.
fn sender(from: &str) -> Result<String, &'static str> {
    let from = from.trim();
    if from.starts_with('+') {
        return Phone::parse(from)
            .map(|phone| phone.e164())
            .map_err(|_| "must be a number in international format, such as +15125550100");
    }
    let is_short = from.len() <= LONGEST_SHORT_CODE;
    if from.chars().any(char::is_alphabetic)
        || is_short && !from.is_empty() && from.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Ok(from.to_owned());
    }
    Err("must begin with + if it is a number")
}

fn messages_url(base_url: &str, account_sid: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(base_url).map_err(|_| "must be an absolute URL")?;
    let encrypted = match url.scheme() {
        "https" => true,
        "http" => false,
        _ => return Err("must be an https URL"),
    };
    if !encrypted && !url.host_str().is_some_and(is_loopback) {
        return Err("must be an https URL: http is for loopback hosts only");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold credentials");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or a fragment");
    }
    url.path_segments_mut()
        .map_err(|()| "must be an https URL")?
        .pop_if_empty()
        .extend(["2010-04-01", "Accounts", account_sid, "Messages.json"]);
    Ok(url)
}

/// What is read of an answer, good or bad.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    sid: Option<String>,
    /// The gateway's number of the fault, such as 21211 for an invalid recipient.
    code: Option<u32>,
}

#[async_trait]
impl Provider for SmsSender {
    fn name(&self) -> &'static str {
        "sms"
    }
    fn channels(&self) -> &[Channel] {
        &[Channel::Sms]
    }

    async fn send(&self, message: &Message) -> Result<Delivery, NotifyError> {
        let from = message.sender.as_ref().unwrap_or(&self.from);
        let response = self
            .client
            .post(self.messages.clone())
            .basic_auth(&self.account_sid, Some(self.auth_token.expose()))
            .header("I-Twilio-Idempotency-Token", &message.id)
            .form(&[
                ("To", message.to.expose()),
                ("From", from),
                ("Body", message.text.expose()),
            ])
            .send()
            .await
            .map_err(|error| unanswered(&error))?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let answer = read(response).await;
        if status.is_success() {
            Ok(Delivery {
                reference: answer.sid.filter(|sid| is_reference(sid, message)),
                to_keep: None,
            })
        } else {
            Err(refusal(status, retry_after, answer.code))
        }
    }
}

/// The error's own text is left out: it names the URL.
fn unanswered(error: &reqwest::Error) -> NotifyError {
    if error.is_builder() {
        NotifyError::permanent("the request to the SMS gateway cannot be built")
    } else if error.is_timeout() {
        NotifyError::transient("the SMS gateway did not answer in time")
    } else if error.is_connect() {
        NotifyError::transient(format!("the SMS gateway {}", cause::of(error)))
    } else {
        NotifyError::transient("the connection to the SMS gateway broke")
    }
}

fn refusal(status: StatusCode, retry_after: Option<Duration>, code: Option<u32>) -> NotifyError {
    let reason = match code {
        Some(code) => format!(
            "the SMS gateway answered {} with error {code}",
            status.as_u16()
        ),
        None => format!("the SMS gateway answered {}", status.as_u16()),
    };
    if status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error()
    {
        NotifyError::Transient {
            reason,
            retry_after,
        }
    } else if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
        // It is we who are refused, not the message.
        NotifyError::misconfigured(reason)
    } else {
        NotifyError::Permanent { reason }
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3). Its other form, a date, would need a clock and is
/// left unread.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u32 = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_seconds(i64::from(seconds)))
}

/// An answer that cannot be read says nothing: the status has decided already.
async fn read(mut response: Response) -> Answer {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Answer::default();
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).unwrap_or_default()
}

/// A reference goes into logs, so it must look like one, and hold neither the number, with or without
/// its country code, nor the code.
fn is_reference(sid: &str, message: &Message) -> bool {
    let told = digits(sid);
    let holds = |secret: &Secret<String>| {
        let secret = digits(secret.expose());
        let (_, end) = secret.split_at(secret.len().saturating_sub(LOCAL_DIGITS));
        !end.is_empty() && told.contains(end)
    };
    (1..=LONGEST_REFERENCE).contains(&sid.len())
        && sid.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && sid.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !std::iter::once(&message.to).chain(&message.code).any(holds)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
