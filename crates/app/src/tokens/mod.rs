//! Tokens: who may have one, who holds one, and what it is worth.

mod authentication;
mod claims;
mod client;
mod introspection;
mod issue;
mod management_token;
mod metadata;
mod secret_use;
mod signing;
mod stored;
mod trail;
mod verification;

pub use authentication::{TokenError, authenticate};
pub use client::{
    AllowanceFacts, allowance_facts, client, client_secrets, environment_of_client,
    environment_of_introspector, judge_unnamed_page, named_client, resource_secrets,
};
pub use introspection::{
    Introspector, Userinfo, authenticate_introspector, introspect, is_alive, userinfo,
    verify_bearer,
};
pub use issue::{TokenCall, token};
pub use management_token::verify_management;
pub use metadata::{discovery, jwks, serving_environment};
pub(crate) use secret_use::note_use;
pub use signing::TokenAnswer;
pub use stored::mint_code;
pub use trail::Requester;
pub use verification::{TokenFault, VerifiedToken, environment_of_token, verify};
