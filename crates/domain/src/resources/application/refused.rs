//! Members of an application that ask for what this server does not do. Accepting them would be a
//! promise; those that have a harmless value are accepted with that value, and shown with it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::violation::Violation;

/// Never accepted.
const REFUSED: [&str; 10] = [
    "deviceCustomVerificationUri",
    "devicePathId",
    "jwks",
    "jwksUrl",
    "kerberos",
    "mobile",
    "signing",
    "sectorIdentifierUri",
    "template",
    "userinfoSignedResponseAlg",
];

/// A value that a member may have.
#[derive(Debug, Clone, Copy)]
enum Only {
    Flag(bool),
    Text(&'static str),
}

impl Only {
    fn value(self) -> Value {
        match self {
            Self::Flag(flag) => flag.into(),
            Self::Text(text) => text.into(),
        }
    }
}

const FIXED: [(&str, Only); 7] = [
    ("idpSignoff", Only::Flag(false)),
    ("includeX5t", Only::Flag(false)),
    ("opSessionCheckEnabled", Only::Flag(false)),
    ("parRequirement", Only::Text("OPTIONAL")),
    ("refreshTokenType", Only::Text("OPAQUE_TOKEN")),
    (
        "requestScopesForMultipleResourcesEnabled",
        Only::Flag(false),
    ),
    ("requireSignedRequestObject", Only::Flag(false)),
];

/// Read on creation only, and not shown.
const ON_CREATION: [(&str, Only); 1] = [("assignActorRoles", Only::Flag(false))];

pub(super) fn check(members: &BTreeMap<String, Value>, is_new: bool, faults: &mut Vec<Violation>) {
    for name in REFUSED {
        if members.contains_key(name) {
            faults.push(Violation::invalid(name, "is not available"));
        }
    }
    let on_creation = ON_CREATION.iter().filter(|_| is_new);
    for (name, only) in FIXED.iter().chain(on_creation) {
        let only = only.value();
        if members.get(*name).is_some_and(|value| value != &only) {
            let fault = Violation::invalid(*name, format!("can only be {only}"));
            faults.push(fault.with(json!({ "allowedValues": [only] })));
        }
    }
    let group = members
        .get("accessControl")
        .and_then(|control| control.get("group"));
    if group.is_some_and(|group| !group.is_null()) {
        faults.push(Violation::invalid(
            "accessControl.group",
            "is not available",
        ));
    }
}

/// The fixed members as they are answered.
pub(super) fn shown() -> impl Iterator<Item = (String, Value)> {
    FIXED
        .iter()
        .map(|(name, only)| ((*name).to_owned(), only.value()))
}
