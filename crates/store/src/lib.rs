//! The only code that knows which database is underneath. It holds no rules.

pub mod audit;
pub mod change_log;
pub mod codes;
pub mod counters;
pub mod data_keys;
pub mod documents;
pub mod engine;
pub mod expiry;
pub mod facts;
mod filter;
pub mod flows;
pub mod health;
pub mod inbox;
pub mod installation;
pub mod migrations;
pub mod outbox;
pub mod refresh_tokens;
pub mod retention;
pub mod sessions;
pub mod signing_keys;
mod sql;
pub mod sqlite;
pub mod standing;
pub mod token_families;
pub mod tombstones;
