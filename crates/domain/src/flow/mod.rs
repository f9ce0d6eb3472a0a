//! One sign-on as a pure state machine.
