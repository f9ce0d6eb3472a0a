//! Types and rules of Stepgate.
//!
//! Nothing here performs I/O, reads a clock or draws randomness: `now` and entropy are arguments.
//! The crates around it load facts, call these rules and commit what they decide.

pub mod access;
pub mod audit;
pub mod authenticator;
pub mod client_address;
pub mod condition;
pub mod country;
pub mod email;
pub mod entropy;
pub mod flow;
pub mod hidden;
pub mod id;
pub mod ids;
pub mod message;
pub mod name;
pub mod oauth;
pub mod oidc;
pub mod otp;
pub mod password;
pub mod phone;
pub mod profile;
pub mod resource;
pub mod resources;
pub mod schema;
pub mod scim;
pub mod secret;
pub mod span;
mod text;
pub mod time;
pub mod uri;
pub mod violation;
pub mod web_origin;
