//! OIDC: claims, ID tokens and discovery, as pure rules.

pub mod access_token;
pub mod claims;
pub mod discovery;
pub mod id_token;
pub mod introspection;

use crate::{id::Id, resources::environment::Environment};

/// Who issues, and where: the same in every token of an environment.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'a> {
    /// `iss`: `{public URL}/{environment}/as`, or that of the custom domain.
    pub issuer: &'a str,
    pub environment: Id<Environment>,
    pub organization: uuid::Uuid,
    /// `p1.region`: `NA`, `CA`, `EU`, `AU`, `SG` or `AP`.
    pub region: &'a str,
}
