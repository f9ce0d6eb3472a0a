//! The scope of a resource: one thing that an access token may permit.

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serde_with::skip_serializing_none;

use crate::{
    access::Area,
    resource::{Built, Context, Kind, Refusal, Resource, Stored, UniqueKey},
    resources::api_resource::RESOURCE,
    violation::Violation,
};

pub static SCOPE: Kind = Kind {
    parent: Some(&RESOURCE),
    nested: true,
    ..Kind::new("scope", "scopes", Area::Resource)
};

/// A scope that a resource is born with, and what it permits.
pub type BuiltIn = (&'static str, &'static str);

/// The scopes of `openid` (OpenID Connect Core §5.4 and §11).
pub const OPENID: [BuiltIn; 6] = [
    ("address", "Read the postal address"),
    (
        "email",
        "Read the e-mail address, and whether it is verified",
    ),
    ("offline_access", "Stay signed on by refresh tokens"),
    ("openid", "Sign on"),
    ("phone", "Read the telephone number"),
    ("profile", "Read the name and other parts of the profile"),
];

/// The scopes of `PingOne API`, by which users manage themselves.
pub const PLATFORM: [BuiltIn; 20] = [
    ("p1:read:user", "Read the own user"),
    ("p1:update:user", "Change the own user"),
    ("p1:update:userMfaEnabled", "Turn the own MFA on or off"),
    ("p1:read:userPassword", "Read the state of the own password"),
    ("p1:reset:userPassword", "Change the own password"),
    ("p1:validate:userPassword", "Check the own password"),
    ("p1:create:device", "Pair own devices"),
    ("p1:read:device", "Read the own devices"),
    ("p1:update:device", "Change the own devices"),
    ("p1:delete:device", "Remove own devices"),
    ("p1:create:pairingKey", "Make pairing keys for own devices"),
    ("p1:read:pairingKey", "Read the own pairing keys"),
    ("p1:delete:pairingKey", "Remove own pairing keys"),
    ("p1:read:userLinkedAccounts", "Read the own linked accounts"),
    ("p1:delete:userLinkedAccounts", "Unlink own accounts"),
    ("p1:read:sessions", "Read the own sessions"),
    ("p1:delete:sessions", "End own sessions"),
    ("p1:read:userConsent", "Read the own consents to agreements"),
    (
        "p1:read:oauthConsent",
        "Read the own consents to applications",
    ),
    ("p1:verify:user", "Verify the own identity"),
];

fn built_in(name: &str) -> Option<&'static BuiltIn> {
    OPENID
        .iter()
        .chain(&PLATFORM)
        .find(|(known, _)| *known == name)
}

#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    pub name: String,
    pub description: Option<String>,
    /// Kept as it was sent, see [`ScopeDraft::schema_attributes`].
    pub schema_attributes: Option<Vec<String>>,
    pub mapped_claims: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScopeDraft {
    /// The characters of a scope-token (RFC 6749 §3.3).
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^[!#-\[\]-~]+$"))]
    pub name: String,
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// Limiting a scope to attributes is not offered: only `["*"]`, all of them.
    #[schemars(length(max = 100))]
    pub schema_attributes: Option<Vec<String>>,
    /// Attributes of a resource are not offered, so there is none to name.
    #[schemars(length(max = 100))]
    pub mapped_claims: Option<Vec<String>>,
}

/// The owner's `type`.
fn owner_type<'c>(context: &Context<'c>) -> &'c str {
    context
        .parent_body
        .and_then(|owner| owner.get("type"))
        .and_then(Value::as_str)
        .unwrap_or("CUSTOM")
}

impl Scope {
    pub fn born((name, description): BuiltIn) -> Self {
        Self {
            name: name.to_owned(),
            description: Some(description.to_owned()),
            schema_attributes: None,
            mapped_claims: None,
        }
    }

    /// No other resource may have scopes of these names, so the name is enough to tell.
    pub fn is_built_in(&self) -> bool {
        built_in(&self.name).is_some()
    }

    fn check_name(&self, owner: &str) -> Option<Violation> {
        let refuse = |message: &str| Some(Violation::invalid("name", message));
        let is_platform = self.name.to_ascii_lowercase().starts_with("p1:");
        match owner {
            "PINGONE_API" => {
                let pattern = "^p1:(read|update):user:[A-Za-z0-9_.-]+$";
                let is_suffixed = Regex::new(pattern).is_ok_and(|regex| regex.is_match(&self.name));
                let fault = Violation::invalid(
                    "name",
                    "must be p1:read:user: or p1:update:user: and a suffix",
                )
                .with(json!({ "allowedPattern": pattern }));
                (!is_suffixed && !self.is_built_in()).then_some(fault)
            }
            _ if is_platform => refuse("must not begin with p1:"),
            // A token names the scopes of several resources without saying whose they are.
            "CUSTOM" if self.is_built_in() => refuse("is a scope of the resource openid"),
            _ => None,
        }
    }
}

impl Resource for Scope {
    const KIND: &'static Kind = &SCOPE;
    type Draft = ScopeDraft;
    const NEEDS_PARENT: bool = true;

    fn build(
        draft: ScopeDraft,
        previous: Option<&Stored<Self>>,
        context: &mut Context<'_>,
    ) -> Result<Built<Self>, Vec<Violation>> {
        let mut faults = Vec::new();
        let scope = Self {
            name: draft.name,
            description: draft.description,
            schema_attributes: draft.schema_attributes,
            mapped_claims: draft.mapped_claims,
        };
        faults.extend(scope.check_name(owner_type(context)));
        let built_in = previous
            .map(|previous| &previous.body)
            .filter(|before| before.is_built_in());
        if built_in.is_some_and(|before| before.name != scope.name) {
            faults.push(Violation::invalid(
                "name",
                "of a built-in scope cannot be changed",
            ));
        }
        let attributes = scope.schema_attributes.as_deref();
        if attributes.is_some_and(|attributes| attributes != ["*"]) {
            let fault = Violation::invalid("schemaAttributes", "can only be [\"*\"]");
            faults.push(fault.allowing(&["*"]));
        }
        let claims = scope.mapped_claims.as_deref();
        if claims.is_some_and(|claims| !claims.is_empty()) {
            faults.push(Violation::invalid("mappedClaims", "can only be empty"));
        }
        if faults.is_empty() {
            Ok(scope.into())
        } else {
            Err(faults)
        }
    }

    fn unique(&self) -> Vec<UniqueKey> {
        // Scopes are compared with case (RFC 6749 §3.3).
        vec![UniqueKey {
            name: "name",
            value: self.name.clone(),
            within_parent: true,
            target: "name",
        }]
    }

    fn may_leave(stored: &Stored<Self>, _siblings: &[Stored<Self>]) -> Result<(), Refusal> {
        if stored.body.is_built_in() {
            return Err(Refusal::Invalid(Violation::constraint(
                "name",
                "a built-in scope cannot be deleted",
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::trial::{build_in, stored, targets};

    fn build(owner: &str, body: Value) -> Result<Built<Scope>, Vec<Violation>> {
        build_in(body, None, Some(&json!({ "type": owner })))
    }

    #[test]
    fn the_resource_decides_which_names_its_scopes_may_have() {
        for (owner, name, is_accepted) in [
            ("CUSTOM", "payments:write", true),
            ("CUSTOM", "openid", false),
            ("CUSTOM", "p1:read:user", false),
            ("CUSTOM", "P1:read", false),
            ("OPENID_CONNECT", "membership", true),
            ("OPENID_CONNECT", "p1:x", false),
            ("PINGONE_API", "p1:read:user:contact", true),
            ("PINGONE_API", "p1:update:user:a.b-c", true),
            ("PINGONE_API", "p1:delete:user:x", false),
            ("PINGONE_API", "p1:read:user:", false),
            ("PINGONE_API", "payments", false),
        ] {
            let found = targets(build(owner, json!({ "name": name })));
            assert_eq!(found.is_empty(), is_accepted, "{owner} {name}: {found:?}");
        }
    }

    #[test]
    fn a_name_is_a_scope_token() {
        for name in ["a b", "a\"b", "a\\b", "ä", ""] {
            assert_eq!(
                targets(build("CUSTOM", json!({ "name": name }))),
                ["name"],
                "{name}"
            );
        }
        assert!(build("CUSTOM", json!({ "name": "https://api.test/[read]!" })).is_ok());
    }

    #[test]
    fn limits_that_are_not_enforced_are_refused() {
        let body = json!({ "name": "p1:read:user:x", "schemaAttributes": ["name.given"], "mappedClaims": ["x"] });
        assert_eq!(
            targets(build("PINGONE_API", body)),
            ["schemaAttributes", "mappedClaims"]
        );
        let body =
            json!({ "name": "p1:read:user:x", "schemaAttributes": ["*"], "mappedClaims": [] });
        assert!(build("PINGONE_API", body).is_ok());
    }

    #[test]
    fn a_built_in_scope_keeps_its_name_and_stays() {
        let email = stored(Scope::born(OPENID[1]));
        let owner = json!({ "type": "OPENID_CONNECT" });
        let rebuild = |body| build_in(body, Some(&email), Some(&owner));
        assert_eq!(targets(rebuild(json!({ "name": "mail" }))), ["name"]);
        assert!(rebuild(json!({ "name": "email", "description": "Mail" })).is_ok());
        assert!(Scope::may_leave(&email, &[]).is_err());
        let own = build("CUSTOM", json!({ "name": "payments" })).unwrap().body;
        assert!(Scope::may_leave(&stored(own), &[]).is_ok());
    }
}
