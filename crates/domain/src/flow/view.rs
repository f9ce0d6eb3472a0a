//! A flow as the client sees it.

use serde_json::{Map, Value, json};

use super::state::{DeviceEntry, Failure, Flow, Status, User};
use crate::flow::policy::DeviceType;

/// The members of the flow resource. `base` is where the environment's authentication endpoints
/// are, such as `https://auth.example.test/{environment}`, in the spelling the client called.
pub fn view(flow: &Flow, base: &str) -> Map<String, Value> {
    let href = format!("{base}/flows/{}", flow.id);
    let mut links = Map::new();
    links.insert("self".to_owned(), json!({ "href": href }));
    for action in flow.offered() {
        links.insert(action.name().to_owned(), json!({ "href": href }));
    }
    let application = json!({ "id": flow.application.id, "name": flow.application.name });

    let mut embedded = Map::new();
    if let Some(shown) = flow.user.as_ref() {
        embedded.insert("user".to_owned(), user(shown, flow.proofs.is_empty()));
    }
    embedded.insert("application".to_owned(), application.clone());
    if let Status::DeviceSelectionRequired { devices } | Status::OtpRequired { devices, .. } =
        &flow.status
    {
        embedded.insert("devices".to_owned(), devices.iter().map(device).collect());
    }

    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("_links", links.into());
    put("id", json!(flow.id));
    put("status", flow.status.name().into());
    put("session", json!({ "id": flow.session.id }));
    put("resumeUrl", resume_url(flow, base).into());
    put("createdAt", json!(flow.created_at));
    put("expiresAt", json!(flow.expires_at()));
    put("application", application);
    if let (Some(hint), None) = (&flow.login_hint, &flow.user) {
        put("loginHint", hint.as_str().into());
    }
    if let Status::OtpRequired { challenge, .. } = &flow.status {
        put("selectedDevice", json!({ "id": challenge.device }));
    }
    put("authenticationMethods", json!(flow.amr()));
    if !flow.status.devices().is_empty() {
        // Where MFA may be left out, it is: nobody is asked.
        put("bypassAllowed", false.into());
    }
    if let Status::Failed { error } = &flow.status {
        put("error", failure(error));
    }
    put("_embedded", embedded.into());
    members
}

/// Where a final flow is exchanged for its answer.
pub fn resume_url(flow: &Flow, base: &str) -> String {
    format!("{base}/as/resume?flowId={}", flow.id)
}

/// Of a name that was only typed, nothing is told but the name.
fn user(user: &User, nothing_proved: bool) -> Value {
    if let Some(typed) = user.typed().filter(|_| nothing_proved) {
        return json!({ "id": user.id, "username": typed });
    }
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(user.id));
    members.insert("username".to_owned(), json!(user.username));
    let mut name = Map::new();
    for (part, value) in [("given", &user.given_name), ("family", &user.family_name)] {
        if let Some(value) = value {
            name.insert(part.to_owned(), value.as_str().into());
        }
    }
    if !name.is_empty() {
        members.insert("name".to_owned(), name.into());
    }
    members.into()
}

fn device(entry: &DeviceEntry) -> Value {
    let mut members = Map::new();
    members.insert("id".to_owned(), json!(entry.id));
    members.insert("type".to_owned(), json!(entry.kind));
    members.insert("status".to_owned(), "ACTIVE".into());
    let address = match entry.kind {
        DeviceType::Sms | DeviceType::Voice | DeviceType::WhatsApp => Some("phone"),
        DeviceType::Email => Some("email"),
        DeviceType::Totp | DeviceType::OathToken | DeviceType::Mobile | DeviceType::Fido2 => None,
    };
    if let Some(name) = address {
        members.insert(name.to_owned(), entry.masked_address.as_str().into());
    }
    if let Some(nickname) = &entry.nickname {
        members.insert("nickname".to_owned(), nickname.as_str().into());
    }
    members.insert(
        "usableStatus".to_owned(),
        json!({ "status": entry.usable.as_str() }),
    );
    members.into()
}

fn failure(error: &Failure) -> Value {
    let mut members = Map::new();
    members.insert("code".to_owned(), error.code().into());
    members.insert("message".to_owned(), error.message().into());
    if let Failure::NoUsableDevices { unavailable } = error {
        let devices = unavailable.iter().map(|id| json!({ "id": id })).collect();
        members.insert("unavailableDevices".to_owned(), devices);
    }
    members.into()
}
