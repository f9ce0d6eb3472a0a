//! Scope
