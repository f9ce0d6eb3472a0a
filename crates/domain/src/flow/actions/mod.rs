//! The sign-on actions, one file each: when it is satisfied, what it asks for, what proves it.

pub(crate) mod login;
pub(crate) mod multi_factor_authentication;

use super::status::{Failure, Status};

/// What an action comes to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    Wait(Status),
    /// The policy fails; perhaps the next one does not.
    Fail(Failure),
}
