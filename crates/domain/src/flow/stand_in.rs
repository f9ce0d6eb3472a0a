//! Whom a typed name stands for until something is proved: the same for every name, whoever has it and
//! whether anybody has it, so that nobody learns from a sign-on which names there are. The ids are
//! keyed hashes, the addresses are not told, and what is counted is counted for the name alone: no
//! stranger uses up what whoever has the name may do.

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::facts::{DeviceFacts, SubjectFacts, UserFacts};
use crate::{
    authenticator::{DeviceType, Versioned},
    id::Id,
    ids::FlowId,
    name,
    secret::Secret,
};

/// Without its counters. `hash` is keyed; of the name only what makes it equal to another goes in, and
/// of ids that are shown the flow as well, so that two flows tell nothing of each other.
pub fn subject(typed: &str, flow: FlowId, hash: impl Fn(&[&[u8]]) -> [u8; 32]) -> SubjectFacts {
    let name = name::fold(typed);
    let of_name = |what: &str| hash(&[what.as_bytes(), name.as_bytes()]);
    let of_flow = |what: &str| hash(&[what.as_bytes(), name.as_bytes(), flow.uuid().as_bytes()]);
    let user = UserFacts {
        id: Id::of_hash(&of_flow("USER")),
        counted_as: Id::of_hash(&of_name("USER")),
        username: typed.trim().to_owned(),
        given_name: None,
        family_name: None,
        enabled: true,
        verified: true,
        lock: None,
        mfa_enabled: true,
        bypass_mfa_until: None,
        holds_a_role: false,
        attributes: Value::Null,
        failures: Versioned::default(),
        sends: Versioned::default(),
    };
    // Of each type; the flow shows the first that its policy lets through.
    let devices = DeviceType::ALL.map(|kind| DeviceFacts {
        id: Id::of_hash(&of_flow(kind.as_str())),
        counted_as: Id::of_hash(&of_name(kind.as_str())),
        kind,
        is_active: true,
        is_blocked: false,
        locked_until: None,
        nickname: None,
        address: Secret::new(String::new()),
        address_key: format!(
            "{}/{}",
            kind.as_str(),
            BASE64URL_NOPAD.encode(&of_name("ADDRESS"))
        ),
        failures: Versioned::default(),
        sends: Versioned::default(),
    });
    SubjectFacts {
        user,
        devices: devices.into(),
    }
}
