//! What each answer of the workflow must hold, beside its status.

use serde_json::Value;
use stepgate_client::{Exchange, Step};

use super::STATE;

/// How the answer differs from what the contract promises; empty when it does not.
pub(super) fn differences(step: Step, exchange: &Exchange) -> Vec<String> {
    let answer = &exchange.answer;
    let mut differences = Vec::new();
    if answer.status != step.status {
        differences.push(format!("status is {}, not {}", answer.status, step.status));
    }
    for (pointer, expected) in expectations(step.number) {
        let found = answer.body.pointer(pointer);
        if !expected.holds(found) {
            let found = found.map_or_else(|| "absent".to_owned(), Value::to_string);
            differences.push(format!("{pointer} is {found}, not {expected:?}"));
        }
    }
    if step.number == 14
        && answer
            .cookies()
            .is_none_or(|cookies| !cookies.contains("ST="))
    {
        differences.push("no ST cookie".to_owned());
    }
    if step.number == 15 && answer.body.get("authorizeResponse").is_some() {
        differences.push("the code must not be there before resume".to_owned());
    }
    differences
}

#[derive(Debug)]
enum Expected {
    Is(&'static str),
    Yes,
    Text,
    NonEmptyList,
}

impl Expected {
    fn holds(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Is(text), Some(Value::String(found))) => found == text,
            (Self::Yes, Some(Value::Bool(found))) => *found,
            (Self::Text, Some(Value::String(found))) => !found.is_empty(),
            (Self::NonEmptyList, Some(Value::Array(found))) => !found.is_empty(),
            _ => false,
        }
    }
}

fn expectations(step: u8) -> Vec<(&'static str, Expected)> {
    use Expected::{Is, NonEmptyList, Text, Yes};
    match step {
        1 => vec![
            ("/id", Text),
            ("/clientId", Text),
            ("/type", Is("WEB_APP")),
            ("/enabled", Yes),
            ("/_links/self/href", Text),
        ],
        2 => vec![("/secret", Text)],
        3 => vec![("/_embedded/resources", NonEmptyList)],
        4 => vec![("/_embedded/scopes", NonEmptyList)],
        5 => vec![("/id", Text), ("/scopes", NonEmptyList)],
        6 => vec![("/id", Text), ("/name", Is("MFA_Only"))],
        7 => vec![
            ("/id", Text),
            ("/type", Is("MULTI_FACTOR_AUTHENTICATION")),
            ("/sms/enabled", Yes),
        ],
        8 => vec![("/id", Text), ("/signOnPolicy/id", Text)],
        9 => vec![("/id", Text), ("/name", Is("Customers"))],
        10 => vec![
            ("/id", Text),
            ("/username", Text),
            ("/population/id", Text),
            ("/enabled", Yes),
        ],
        11 => vec![("/status", Is("OK"))],
        12 => vec![("/mfaEnabled", Yes)],
        13 => vec![
            ("/id", Text),
            ("/type", Is("SMS")),
            ("/status", Is("ACTIVE")),
        ],
        14 => vec![
            ("/id", Text),
            ("/status", Is("OTP_REQUIRED")),
            ("/resumeUrl", Text),
            ("/_links/otp.check/href", Text),
            ("/_links/device.select/href", Text),
            ("/_embedded/user/id", Text),
            ("/_embedded/devices", NonEmptyList),
            ("/selectedDevice/id", Text),
        ],
        15 => vec![("/status", Is("COMPLETED")), ("/resumeUrl", Text)],
        16 => vec![
            ("/status", Is("COMPLETED")),
            ("/authorizeResponse/code", Text),
            ("/authorizeResponse/state", Is(STATE)),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stepgate_client::{Answer, Request};

    use super::*;

    fn exchange(status: u16, body: Value) -> Exchange {
        let answer = Answer {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body,
        };
        Exchange {
            request: Request::get("/"),
            answer,
        }
    }

    #[test]
    fn an_answer_as_promised_has_no_difference() {
        let [.., check, _] = Step::ALL;
        let body = json!({ "status": "COMPLETED", "resumeUrl": "http://localhost/as/resume" });
        assert_eq!(
            differences(check, &exchange(200, body)),
            Vec::<String>::new()
        );
    }

    #[test]
    fn every_difference_is_told() {
        let [.., check, _] = Step::ALL;
        let body = json!({ "status": "OTP_REQUIRED", "authorizeResponse": {} });
        assert_eq!(
            differences(check, &exchange(400, body)),
            [
                "status is 400, not 200",
                "/status is \"OTP_REQUIRED\", not Is(\"COMPLETED\")",
                "/resumeUrl is absent, not Text",
                "the code must not be there before resume",
            ]
        );
    }
}
