//! License
