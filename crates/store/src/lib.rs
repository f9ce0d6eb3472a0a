//! The only code that knows which database is underneath. It holds no rules.

pub mod documents;
pub mod engine;
mod filter;
mod sql;
