//! A flow as the client sees it.

use serde_json::{Map, Value, json};

use super::state::{DeviceEntry, Failure, Flow, Status, User};
use crate::{
    flow::{
        delivery::Floors,
        policy::{ActionKind, DeviceType},
    },
    time::Timestamp,
};

/// The members of the flow resource. `base` is where the environment's authentication endpoints
/// are, such as `https://auth.example.test/{environment}`, in the spelling the client called.
pub fn view(flow: &Flow, base: &str, now: Timestamp) -> Map<String, Value> {
    let href = format!("{base}/flows/{}", flow.id);
    let mut links = Map::new();
    links.insert("self".to_owned(), json!({ "href": href }));
    for action in flow.offered() {
        links.insert(action.name().to_owned(), json!({ "href": href }));
    }
    let application = json!(flow.application);

    let mut embedded = Map::new();
    if let Some(shown) = flow.user.as_ref() {
        embedded.insert("user".to_owned(), user(shown, flow.proofs.is_empty()));
    }
    embedded.insert("application".to_owned(), application.clone());
    if let Status::DeviceSelectionRequired { devices } | Status::OtpRequired { devices, .. } =
        &flow.status
    {
        embedded.insert(
            "devices".to_owned(),
            devices.iter().map(|entry| device(entry, now)).collect(),
        );
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

/// When a new code may be asked for, as far as the flow itself knows: messages to the same address
/// from elsewhere, and earlier ones of the series, can make it later. None when no code is out.
pub fn may_resend_at(flow: &Flow) -> Option<Timestamp> {
    let Status::OtpRequired { devices, challenge } = &flow.status else {
        return None;
    };
    let code = challenge.code.as_ref()?;
    let device = devices.iter().find(|entry| entry.id == challenge.device)?;
    let action = flow.current_policy()?.actions.get(flow.action)?;
    let configured = match &action.kind {
        ActionKind::MultiFactorAuthentication(settings) => device
            .kind
            .channel()
            .and_then(|channel| settings.notifications.cooldown(channel))
            .map(|cooldown| cooldown.periods[0]),
        ActionKind::Login => None,
    };
    let floor = Floors::default().address_interval;
    Some(code.sent_at + configured.map_or(floor, |period| period.max(floor)))
}

/// The name to show for the user: of one that was only typed, just that.
pub fn shown_username(user: &User, nothing_proved: bool) -> &str {
    user.typed()
        .filter(|_| nothing_proved)
        .unwrap_or(&user.username)
}

/// Of a name that was only typed, nothing is told but the name.
fn user(user: &User, nothing_proved: bool) -> Value {
    if nothing_proved && user.typed().is_some() {
        return json!({ "id": user.id, "username": shown_username(user, nothing_proved) });
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

fn device(entry: &DeviceEntry, now: Timestamp) -> Value {
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
        json!({ "status": entry.usable_at(now).as_str() }),
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
