//! Grant
