//! Template
