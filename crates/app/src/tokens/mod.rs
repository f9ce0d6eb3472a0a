//! Access tokens: who holds one, and what it is worth.

mod management_token;
mod verification;

pub use management_token::{assignments, is_revoked, verify_management};
pub use verification::{VerifiedToken, verify};
