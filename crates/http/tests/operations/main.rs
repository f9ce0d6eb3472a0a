//! What holds for every operation, because it comes from the one list of them.

mod conventions;
mod guards;
mod robustness;
mod support;
