//! Scopes: their grammar, what a client may ask for, and which resources a request touches.

use std::{collections::HashSet, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    client::{ApplicationType, Client, GrantType},
    error::{Cause, OAuthError, OAuthErrorCode},
};
use crate::{id::Id, time::Duration};

pub const OPENID: &str = "openid";
pub const OFFLINE_ACCESS: &str = "offline_access";
/// The scopes of OIDC Core §5.4, which need no grant until one names any of them.
pub const CLAIM_SCOPES: [&str; 4] = ["profile", "email", "address", "phone"];

/// How long access tokens live where no custom resource says otherwise.
const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// A list of scopes, each once, in the order in which they were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scope holds a character that no scope may have")]
pub struct MalformedScope;

impl Scopes {
    /// RFC 6749 §3.3. More than one space between two scopes is let pass.
    pub fn parse(text: &str) -> Result<Self, MalformedScope> {
        let is_token = |scope: &str| {
            scope
                .bytes()
                .all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
        };
        let mut scopes = Vec::new();
        // Strangers send lists of thousands: not every one may be compared with every other.
        let mut seen = HashSet::new();
        for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
            if !is_token(scope) {
                return Err(MalformedScope);
            }
            if seen.insert(scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(Self(scopes))
    }

    pub fn openid() -> Self {
        Self(vec![OPENID.to_owned()])
    }
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|own| own == scope)
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
    fn add(&mut self, scope: &str) {
        if !self.contains(scope) {
            self.0.push(scope.to_owned());
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// What access tokens are for (RFC 6749 §1.1). Only its id is named in this room.
#[derive(Debug)]
pub enum ResourceServer {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ResourceKind {
    #[serde(rename = "OPENID_CONNECT")]
    OpenidConnect,
    /// The platform's own API, with the `p1:…` scopes.
    #[serde(rename = "PINGONE_API")]
    PlatformApi,
    #[serde(rename = "CUSTOM")]
    Custom,
}

/// A grant of the application, resolved: a resource and the names of the scopes granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceGrant {
    pub resource: Id<ResourceServer>,
    pub kind: ResourceKind,
    pub audience: String,
    /// `accessTokenValiditySeconds`; only that of a custom resource counts.
    pub access_token_lifetime: Duration,
    pub scopes: Vec<String>,
}

/// A resource that an authorization touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedResource {
    pub resource: Id<ResourceServer>,
    pub audience: String,
    pub access_token_lifetime: Duration,
    pub scopes: Vec<String>,
}

/// The scopes of an authorization, and the resources that they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedScopes {
    pub scopes: Scopes,
    /// Without the OIDC resource.
    pub resources: Vec<GrantedResource>,
    /// The audience when no resource is touched: the platform's API.
    pub default_audience: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("scope holds a character that no scope may have")]
    Malformed,
    #[error("{0} is not granted to the application")]
    NotGranted(String),
    #[error("no scope is granted to the application")]
    NothingGranted,
    #[error("May not request scopes for multiple resources")]
    MultipleResources,
    #[error("{0} was not part of the authorization")]
    Wider(String),
    #[error("resource is not the audience of a resource that is granted to the application")]
    UnknownResource,
}

impl From<MalformedScope> for ScopeError {
    fn from(MalformedScope: MalformedScope) -> Self {
        Self::Malformed
    }
}

impl ScopeError {
    /// The check that failed, without the scope that was sent.
    pub(super) const fn check(&self) -> &'static str {
        match self {
            Self::Malformed => "scope_malformed",
            Self::NotGranted(_) => "scope_not_granted",
            Self::NothingGranted => "scope_nothing_granted",
            Self::MultipleResources => "scope_multiple_resources",
            Self::Wider(_) => "scope_wider",
            Self::UnknownResource => "resource_unknown",
        }
    }
}

impl From<ScopeError> for OAuthError {
    fn from(error: ScopeError) -> Self {
        let text = error.to_string();
        let cause = Cause::Other(error.check());
        let answer = match error {
            ScopeError::UnknownResource => {
                Self::new(OAuthErrorCode::InvalidTarget, text).at("resource")
            }
            ScopeError::Malformed
            | ScopeError::NotGranted(_)
            | ScopeError::NothingGranted
            | ScopeError::MultipleResources
            | ScopeError::Wider(_) => Self::new(OAuthErrorCode::InvalidScope, text).at("scope"),
        };
        answer.because(cause)
    }
}

impl GrantedScopes {
    /// `aud` of the access token.
    pub fn audience(&self) -> Vec<String> {
        if self.resources.is_empty() {
            return vec![self.default_audience.clone()];
        }
        self.resources
            .iter()
            .map(|resource| resource.audience.clone())
            .collect()
    }

    /// The shortest life that any of the resources allows.
    pub fn access_token_lifetime(&self) -> Duration {
        self.resources
            .iter()
            .map(|resource| resource.access_token_lifetime)
            .min()
            .unwrap_or(DEFAULT_LIFETIME)
    }

    /// The same authorization with fewer scopes (RFC 6749 §6).
    pub fn narrowed(&self, scopes: &Scopes) -> Result<Self, ScopeError> {
        if let Some(wider) = scopes.iter().find(|scope| !self.scopes.contains(scope)) {
            return Err(ScopeError::Wider(wider.to_owned()));
        }
        let keep = |resource: &GrantedResource| {
            let kept: Vec<_> = resource
                .scopes
                .iter()
                .filter(|scope| scopes.contains(scope))
                .cloned()
                .collect();
            (!kept.is_empty()).then(|| GrantedResource {
                scopes: kept,
                ..resource.clone()
            })
        };
        Ok(Self {
            scopes: scopes.clone(),
            resources: self.resources.iter().filter_map(keep).collect(),
            default_audience: self.default_audience.clone(),
        })
    }

    fn of_openid(scopes: Scopes, default_audience: &str) -> Self {
        Self {
            scopes,
            resources: Vec::new(),
            default_audience: default_audience.to_owned(),
        }
    }
}

/// What a client may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Allowance<'a> {
    pub client: &'a Client,
    pub grants: &'a [ResourceGrant],
    /// The audience of the platform's API.
    pub platform_audience: &'a str,
}

impl<'a> Allowance<'a> {
    /// Judges the scopes of a request that a user takes part in. `resource` is RFC 8707's
    /// parameter: the audience of the one custom resource that is meant.
    pub fn for_user(
        &self,
        requested: &Scopes,
        resource: Option<&str>,
    ) -> Result<GrantedScopes, ScopeError> {
        let grants = self.eligible(resource)?;
        self.resolve(requested, &grants)
    }

    /// Judges the scopes of the client credentials grant; absent means all that are granted.
    pub fn for_client(&self, requested: Option<&Scopes>) -> Result<GrantedScopes, ScopeError> {
        if self.client.application_type == ApplicationType::Worker {
            let scopes = requested.cloned().unwrap_or_default();
            if let Some(other) = scopes.iter().find(|scope| !self.is_openid_scope(scope)) {
                return Err(ScopeError::NotGranted(other.to_owned()));
            }
            return Ok(GrantedScopes::of_openid(scopes, self.platform_audience));
        }
        let custom: Vec<_> = self
            .grants
            .iter()
            .filter(|grant| grant.kind == ResourceKind::Custom)
            .collect();
        let all = || {
            let mut all = Scopes::default();
            custom
                .iter()
                .flat_map(|grant| &grant.scopes)
                .for_each(|scope| all.add(scope));
            all
        };
        let several = custom
            .iter()
            .filter(|grant| !grant.scopes.is_empty())
            .count()
            > 1;
        if requested.is_none() && several && !self.client.request_scopes_for_multiple_resources {
            return Err(ScopeError::MultipleResources);
        }
        let granted = self.resolve(&requested.cloned().unwrap_or_else(all), &custom)?;
        if granted.resources.is_empty() {
            Err(ScopeError::NothingGranted)
        } else {
            Ok(granted)
        }
    }

    /// Whether the code that these scopes buy comes with a refresh token: asked for by
    /// `offline_access`, or always when the application's grant does not know that scope.
    pub fn has_refresh_token(&self, scopes: &Scopes) -> bool {
        self.client.has_grant_type(GrantType::RefreshToken)
            && (scopes.contains(OFFLINE_ACCESS)
                || !self.openid_grants().any(|s| s == OFFLINE_ACCESS))
    }

    /// The grants that scopes may come from, beside those of OIDC: for a worker there are none.
    fn eligible(&self, resource: Option<&str>) -> Result<Vec<&'a ResourceGrant>, ScopeError> {
        let is_worker = self.client.application_type == ApplicationType::Worker;
        let others = self
            .grants
            .iter()
            .filter(|grant| !is_worker && grant.kind != ResourceKind::OpenidConnect);
        let Some(audience) = resource else {
            return Ok(others.collect());
        };
        let named: Vec<_> = others
            .filter(|grant| grant.kind == ResourceKind::Custom && grant.audience == audience)
            .collect();
        if named.is_empty() {
            Err(ScopeError::UnknownResource)
        } else {
            Ok(named)
        }
    }

    fn resolve(
        &self,
        requested: &Scopes,
        grants: &[&ResourceGrant],
    ) -> Result<GrantedScopes, ScopeError> {
        let holds =
            |grant: &ResourceGrant, scope: &str| grant.scopes.iter().any(|own| own == scope);
        let others: Vec<&str> = requested
            .iter()
            .filter(|scope| !self.is_openid_scope(scope))
            .collect();
        if let Some(unknown) = others
            .iter()
            .find(|scope| !grants.iter().any(|grant| holds(grant, scope)))
        {
            return Err(ScopeError::NotGranted((*unknown).to_owned()));
        }
        let mut granted = GrantedScopes::of_openid(requested.clone(), self.platform_audience);
        if others.is_empty() {
            return Ok(granted);
        }
        let touched = |grant: &ResourceGrant, scopes: &[&str]| GrantedResource {
            resource: grant.resource,
            audience: grant.audience.clone(),
            access_token_lifetime: match grant.kind {
                ResourceKind::Custom => grant.access_token_lifetime,
                ResourceKind::OpenidConnect | ResourceKind::PlatformApi => DEFAULT_LIFETIME,
            },
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        // A name may occur in several resources: the one that has them all is meant.
        if let Some(one) = grants
            .iter()
            .find(|grant| others.iter().all(|scope| holds(grant, scope)))
        {
            granted.resources.push(touched(one, &others));
            return Ok(granted);
        }
        if !self.client.request_scopes_for_multiple_resources {
            return Err(ScopeError::MultipleResources);
        }
        let mut left = others;
        for grant in grants
            .iter()
            .filter(|grant| grant.kind == ResourceKind::Custom)
        {
            let (own, rest): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|scope| holds(grant, scope));
            if !own.is_empty() {
                granted.resources.push(touched(grant, &own));
            }
            left = rest;
        }
        // What is left is the platform's, which mixes with nothing.
        if left.is_empty() {
            Ok(granted)
        } else {
            Err(ScopeError::MultipleResources)
        }
    }

    fn openid_grants(&self) -> impl Iterator<Item = &str> {
        self.grants
            .iter()
            .filter(|grant| grant.kind == ResourceKind::OpenidConnect)
            .flat_map(|grant| grant.scopes.iter().map(String::as_str))
    }

    fn is_openid_scope(&self, scope: &str) -> bool {
        let none_named = !self
            .openid_grants()
            .any(|granted| CLAIM_SCOPES.contains(&granted));
        scope == OPENID
            || self.openid_grants().any(|granted| granted == scope)
            || (CLAIM_SCOPES.contains(&scope) && none_named)
    }
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;
