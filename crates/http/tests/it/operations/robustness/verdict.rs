//! What every answer must be, whatever was asked.

use reqwest::Method;
use serde_json::Value;
use stepgate_http::api::Operation;
use uuid::Uuid;

use crate::support::Answer;

/// Those of the envelope.
const CODES: [&str; 8] = [
    "ACCESS_FAILED",
    "INVALID_DATA",
    "INVALID_REQUEST",
    "METHOD_NOT_ALLOWED",
    "NOT_FOUND",
    "PRECONDITION_FAILED",
    "REQUEST_FAILED",
    "REQUEST_LIMITED",
];

/// What is wrong with the answer, if anything is.
pub(super) fn fault(operation: &Operation, method: &Method, answer: &Answer) -> Option<String> {
    judge(operation, method, answer).err()
}

fn judge(operation: &Operation, method: &Method, answer: &Answer) -> Result<(), String> {
    let status = answer.status;
    ensure(status < 500, "a fault of the server")?;
    if status == 431 {
        // A head that is too large is answered before anybody looks at it.
        return Ok(());
    }
    let id = answer.header("correlation-id").unwrap_or_default();
    ensure(id.parse::<Uuid>().is_ok(), "no correlation id")?;
    if status < 400 || *method == Method::HEAD {
        return Ok(());
    }
    for (of, name) in [(405, "allow"), (429, "retry-after")] {
        ensure(status != of || answer.header(name).is_some(), name)?;
    }
    match answer.header("content-type").unwrap_or_default() {
        "application/json;charset=UTF-8" => {
            let is_challenged = answer.header("www-authenticate").is_some();
            let is_managed = operation.path.starts_with("/v1/");
            ensure(
                status != 401 || !is_managed || is_challenged,
                "no challenge",
            )?;
            envelope(&answer.body, id)
        }
        "application/json" if operation.path.contains("/as/") => oauth(&answer.body, id),
        "text/html; charset=utf-8" if is_for_persons(&operation.path) => {
            let policy = answer.header("content-security-policy").unwrap_or_default();
            ensure(policy.starts_with("default-src 'none'"), "no policy")
        }
        other => Err(format!("{other:?} is no error's")),
    }
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| otherwise.to_owned())
}

fn is_for_persons(path: &str) -> bool {
    ["/as/authorize", "/as/resume", "/signon", "/signon/"]
        .iter()
        .any(|end| path.ends_with(end))
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

fn envelope(body: &Value, id: &str) -> Result<(), String> {
    ensure(body["id"] == id, "another id than the header's")?;
    let code = body["code"].as_str().unwrap_or_default();
    ensure(CODES.contains(&code), "an unknown code")?;
    ensure(is_text(&body["message"]), "no message")?;
    let Some(details) = body.get("details") else {
        return Ok(());
    };
    let details = details.as_array().filter(|details| !details.is_empty());
    for detail in details.ok_or("details that are none")? {
        let has_target = detail.get("target").is_none_or(is_text);
        let is_said = is_text(&detail["code"]) && is_text(&detail["message"]);
        ensure(has_target && is_said, "a detail that says nothing")?;
    }
    Ok(())
}

/// RFC 6749 §5.2.
fn oauth(body: &Value, id: &str) -> Result<(), String> {
    let members = body.as_object().map_or(0, serde_json::Map::len);
    ensure(members == 2 && is_text(&body["error"]), "another form")?;
    let description = body["error_description"].as_str().unwrap_or_default();
    let end = format!(" (Correlation ID: {id})");
    ensure(description.ends_with(&end), "no correlation id in it")?;
    let is_allowed = |byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
    ensure(
        description.bytes().all(is_allowed),
        "characters that RFC 6749 has not",
    )
}
