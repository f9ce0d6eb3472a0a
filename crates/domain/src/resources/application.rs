//! Application
