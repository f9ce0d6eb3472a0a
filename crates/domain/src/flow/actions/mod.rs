//! The sign-on actions, one file each: when it is satisfied, what it asks for, what proves it.

pub(crate) mod login;
pub(crate) mod multi_factor_authentication;

use super::{
    effect::FlowError,
    status::{Failure, Status},
    turn::Turn,
};

/// What an action comes to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    Wait(Status),
    /// The policy fails; perhaps the next one does not.
    Fail(Failure),
}

/// Nothing can be done before it is known for whom.
pub(crate) fn ask_who(turn: &Turn<'_>) -> Result<Outcome, FlowError> {
    if turn.flow.requires_hint && !turn.silent {
        return Err(FlowError::HintRequired);
    }
    Ok(Outcome::Wait(Status::SignOnRequired))
}
