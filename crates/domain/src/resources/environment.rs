//! The environment: the wall around everything else.

use serde::{Deserialize, Serialize};

/// To be completed by its resource implementation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Environment {
    pub name: String,
}
