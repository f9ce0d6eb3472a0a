//! Whether a user may have one more device, and of this type.

use serde_json::json;

use super::{Device, DeviceStatus};
use crate::authenticator::DeviceType;
use crate::{
    resource::{Refusal, Stored},
    resources::{
        device_authentication_policy::{DeviceAuthenticationPolicy, SentCode},
        mfa_settings::MfaSettings,
    },
    violation::{Violation, ViolationCode},
};

/// Devices that wait for their activation, beyond those that the settings allow.
const PENDING: usize = 5;

/// Whether one more may join `devices`, all of the user's.
pub fn may_create(devices: &[Stored<Device>], settings: &MfaSettings) -> Result<(), Refusal> {
    may_activate(devices, settings)?;
    let most = allowed(settings).saturating_add(PENDING);
    if devices.len() < most {
        Ok(())
    } else {
        Err(too_many(settings))
    }
}

/// Whether one more of `devices` may become active.
pub fn may_activate(devices: &[Stored<Device>], settings: &MfaSettings) -> Result<(), Refusal> {
    let active = devices
        .iter()
        .filter(|device| device.body.status == DeviceStatus::Active)
        .count();
    if active < allowed(settings) {
        Ok(())
    } else {
        Err(too_many(settings))
    }
}

fn allowed(settings: &MfaSettings) -> usize {
    usize::try_from(settings.pairing.max_allowed_devices).unwrap_or(usize::MAX)
}

fn too_many(settings: &MfaSettings) -> Refusal {
    Refusal::Failed(
        Violation::new(
            ViolationCode::LimitExceeded,
            "devices",
            "Maximum allowed devices has been reached",
        )
        .with(json!({ "maximumAllowed": settings.pairing.max_allowed_devices })),
    )
}

/// What the policy says about the type.
pub fn method(policy: &DeviceAuthenticationPolicy, kind: DeviceType) -> &SentCode {
    match kind {
        DeviceType::Sms => &policy.sms,
        DeviceType::Email => &policy.email,
    }
}

/// Whether the policy lets devices of the type be paired.
pub fn permits_pairing(
    policy: &DeviceAuthenticationPolicy,
    kind: DeviceType,
) -> Result<(), Refusal> {
    let method = method(policy, kind);
    let refuse = |message: &str| Err(Refusal::Failed(Violation::invalid("type", message)));
    if !method.enabled {
        return refuse("The device authentication policy does not allow devices of this type");
    }
    if method.pairing_disabled == Some(true) {
        return refuse("The device authentication policy does not allow new devices of this type");
    }
    Ok(())
}
