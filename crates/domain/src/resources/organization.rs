//! Organization
