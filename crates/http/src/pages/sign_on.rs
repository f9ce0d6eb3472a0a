//! The hosted sign-on page: one step of a flow as forms. Each form posts one action of the flows
//! API, named in the field `action`, beside `flowId` and `csrfToken`.

use askama::Template;
use stepgate_domain::{message::Channel, secret::Secret};

use super::Page;

#[cfg(test)]
mod tests;

#[derive(Debug, Template)]
#[template(path = "sign_on.html")]
pub struct SignOnPage {
    /// What the person signs on to.
    pub application: Option<String>,
    /// Where every form posts to.
    pub post_to: String,
    pub flow_id: String,
    pub csrf_token: Secret<String>,
    /// What was wrong with the last input, in a whole sentence.
    pub fault: Option<String>,
    /// What became of a code, in a whole sentence: that it is on its way, or why it is not.
    pub notice: Option<String>,
    /// Another sign-on of this browser, which waits for the code that is on its way.
    pub earlier: Option<EarlierSignOn>,
    pub step: SignOnStep,
    /// Whether `session.reset` is offered: to sign on as somebody else.
    pub can_start_over: bool,
}

/// What is asked for, with what the person needs to answer.
#[derive(Debug)]
pub enum SignOnStep {
    /// Posts `device.select` with `deviceId`.
    ChooseDevice { devices: Vec<DeviceChoice> },
    /// Posts `otp.check` with `otp`; or `device.select` with `deviceId`: of the same device, to have
    /// a new code sent, or of another.
    EnterCode {
        device: DeviceChoice,
        /// Shown when there is one: after a wrong code.
        attempts_remaining: Option<u32>,
        /// Seconds until a new code may be asked for. The button stays usable, since without a
        /// script it could not become so: the server refuses what comes too early.
        resend_after: u32,
        other_devices: Vec<DeviceChoice>,
    },
    /// Posts `user.lookup` with `username`.
    EnterUsername { username: Option<String> },
    /// Posts `usernamePassword.check` with `username` and `password`.
    EnterUsernameAndPassword { username: Option<String> },
    /// Posts `usernamePassword.check` with `password`: the user is known already.
    EnterPassword { username: String },
}

impl SignOnStep {
    const fn heading(&self) -> &'static str {
        match self {
            Self::ChooseDevice { .. } => "Choose how to receive a code",
            Self::EnterCode { .. } => "Enter the code",
            Self::EnterUsername { .. } | Self::EnterUsernameAndPassword { .. } => "Sign on",
            Self::EnterPassword { .. } => "Enter your password",
        }
    }
}

#[derive(Debug)]
pub struct EarlierSignOn {
    pub url: String,
    pub application: String,
}

#[derive(Debug, Clone)]
pub struct DeviceChoice {
    pub id: String,
    pub channel: Channel,
    /// As the flow shows it: `*********42`, `mi****@example.test`.
    /// Nothing is told of a name that was only typed.
    pub masked_address: Option<String>,
    pub nickname: Option<String>,
    /// Locked and blocked devices are shown, but cannot be chosen.
    pub is_usable: bool,
}

impl DeviceChoice {
    const fn kind(&self) -> &'static str {
        match self.channel {
            Channel::Sms => "Text message",
            Channel::Email => "E-mail",
        }
    }
}

impl Page for SignOnPage {}

/// The first that can be chosen is chosen already.
fn is_preselected(devices: &[DeviceChoice], device: &DeviceChoice) -> bool {
    devices
        .iter()
        .find(|device| device.is_usable)
        .is_some_and(|first| first.id == device.id)
}

fn is_any_usable(devices: &[DeviceChoice]) -> bool {
    devices.iter().any(|device| device.is_usable)
}
