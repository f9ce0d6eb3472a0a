//! One file per managed type.

pub mod environment;
