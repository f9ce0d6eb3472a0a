//! Changes of a device that have an operation of their own. Each returns the changed device.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Block, BlockStatus, Device, DeviceLock};
use crate::time::Timestamp;

/// PUT `/nickname`: the only member that can be changed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct NicknameDraft {
    #[schemars(length(min = 1, max = 100))]
    pub nickname: String,
}

impl Device {
    #[must_use]
    pub fn renamed(self, nickname: String) -> Self {
        Self {
            nickname: Some(nickname),
            ..self
        }
    }

    /// Blocking twice keeps the first time.
    #[must_use]
    pub fn blocked(self, now: Timestamp) -> Self {
        if self.is_blocked() {
            return self;
        }
        Self {
            block: Block {
                status: BlockStatus::Blocked,
                blocked_at: Some(now),
            },
            ..self
        }
    }

    #[must_use]
    pub fn unblocked(self) -> Self {
        Self {
            block: Block::none(),
            ..self
        }
    }

    /// After too many wrong codes.
    #[must_use]
    pub fn locked(self, expires_at: Option<Timestamp>) -> Self {
        Self {
            lock: Some(DeviceLock { expires_at }),
            ..self
        }
    }

    /// The caller resets the counter of wrong codes as well.
    #[must_use]
    pub fn unlocked(self) -> Self {
        Self { lock: None, ..self }
    }
}
