//! OAuth 2.0: authorization requests, hints, client authentication and grants, as pure rules.

pub mod authorization_request;
pub mod authorization_response;
pub mod client;
pub mod client_authentication;
pub mod cors;
pub mod error;
pub mod grants;
pub mod hint_token;
pub mod parameters;
pub mod pkce;
pub mod recipient;
pub mod redirect_uri;
pub mod scope;
pub mod strict_json;

/// Whose tokens they are: the end user (RFC 6749 §1.1). Only its id is named in this room.
#[derive(Debug)]
pub enum ResourceOwner {}

/// The browser's session, `sid` in tokens. Only its id is named in this room.
#[derive(Debug)]
pub enum Session {}

/// SHA-256, handed in because this crate does no cryptography.
pub type Sha256 = fn(&[u8]) -> [u8; 32];
