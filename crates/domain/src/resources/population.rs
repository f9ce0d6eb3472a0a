//! Population
