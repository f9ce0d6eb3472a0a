//! The only code that knows which database is underneath. It holds no rules.

pub mod engine;
