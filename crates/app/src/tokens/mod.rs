//! Access tokens: who holds one, and what it is worth.

mod management_token;
mod verification;

pub use management_token::verify_management;
pub use verification::{VerifiedToken, verify};
