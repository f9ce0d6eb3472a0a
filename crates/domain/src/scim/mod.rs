//! SCIM filters (RFC 7644 §3.4.2.2), the subset of the contract.

pub mod filter;

pub use filter::{Comparison, Filter, FilterError, Operator};
