//! How strictly what the platform leaves open is taken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::span::Span;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum Profile {
    /// Every documented value and default of the platform holds.
    #[default]
    Compat,
    /// What NIST SP 800-63B-4 or OWASP ASVS 5 advise against is refused.
    Strict,
}

impl Profile {
    /// How long a code that is sent may be good for, where that is not left to the policies.
    pub const fn longest_code_life(self) -> Option<Span> {
        match self {
            Self::Compat => None,
            Self::Strict => Some(Span::minutes(10)),
        }
    }
}
