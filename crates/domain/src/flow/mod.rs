//! One sign-on as a pure state machine: [`begin`] and [`step`] decide, the application loads facts,
//! commits what was decided, and only then answers.

mod actions;
pub mod effect;
pub mod facts;
pub mod input;
pub mod policy;
pub mod stand_in;
pub mod state;
pub mod status;
pub mod step;
pub mod stored;
mod turn;
pub mod view;

pub use effect::{
    Answer, AuditEvent, COUNTER_LIFE, CounterState, Effect, FlowError, Subject, Transition,
};
pub use facts::{DeviceFacts, Facts, NewCode, SubjectFacts, UserFacts};
pub use input::{Action, Input, PasswordVerdict, Verdict};
pub use policy::{ActionKind, MultiFactorAuthentication, Policy, PolicyAction};
pub use state::{Flow, Start};
pub use status::Status;
pub use step::{begin, step};

#[cfg(test)]
mod tests;
