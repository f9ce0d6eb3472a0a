//! The devices that a step may use, and what is shown of them.

use super::Turn;
use crate::{
    authenticator::{DeviceType, mask, sending},
    flow::{
        facts::DeviceFacts,
        policy::MultiFactorAuthentication,
        status::{DeviceEntry, UsableStatus},
    },
    phone,
};

impl<'a> Turn<'a> {
    /// The active devices of the types that the policy lets through, in the user's order. Of a typed
    /// name it is one: the first that a message can be sent to.
    pub(crate) fn entries(&self, settings: &MultiFactorAuthentication) -> Vec<DeviceEntry> {
        let devices = self.subject.iter().flat_map(|subject| &subject.devices);
        let shown =
            devices.filter(|device| device.is_active && settings.method(device.kind).is_some());
        let mut entries: Vec<_> = shown
            .map(|device| DeviceEntry {
                id: device.id,
                kind: device.kind,
                masked_address: masked(device),
                nickname: device.nickname.clone(),
                usable: self.usable(device),
                locked_until: device.locked_until.max(device.failures.state.locked_until),
            })
            .collect();
        if self.flow.is_anonymous() {
            let senders = self.facts.senders;
            entries.sort_by_key(|entry| !senders.has(entry.kind.channel()));
            entries.truncate(1);
        }
        entries
    }

    /// Where a code can go that a typed name asks for: the usable devices of whoever has the name, in
    /// their order, if they may sign on.
    pub(crate) fn devices_behind(
        &self,
        settings: &MultiFactorAuthentication,
    ) -> impl Iterator<Item = &'a DeviceFacts> {
        let now = self.now();
        let behind = self.facts.subject.as_ref().filter(|behind| {
            let lock = behind.user.lock.filter(|_| !settings.ignore_user_lock);
            let may_sign_on = behind.user.is_usable(lock, now) && behind.user.mfa_enabled;
            self.facts.is_permitted && may_sign_on
        });
        let devices = behind.into_iter().flat_map(|behind| &behind.devices);
        devices.filter(move |device| {
            let is_shown = device.is_active && settings.method(device.kind).is_some();
            let reach = sending::reach(
                device.kind.channel(),
                device.address.expose(),
                &settings.notifications,
                self.facts.senders,
            );
            is_shown && reach.is_ok() && self.usable(device) == UsableStatus::Usable
        })
    }

    fn usable(&self, device: &DeviceFacts) -> UsableStatus {
        let locked_until = device.locked_until.max(device.failures.state.locked_until);
        if device.is_blocked {
            UsableStatus::Blocked
        } else if locked_until.is_some_and(|until| until > self.now()) {
            UsableStatus::Locked
        } else {
            UsableStatus::Usable
        }
    }
}

fn masked(device: &DeviceFacts) -> String {
    let address = device.address.expose();
    match device.kind {
        DeviceType::Sms if address.is_empty() => mask::SOME_PHONE.to_owned(),
        DeviceType::Sms => mask::phone(&phone::digits(address)),
        DeviceType::Email if address.is_empty() => mask::SOME_EMAIL.to_owned(),
        DeviceType::Email => mask::email(address),
    }
}
