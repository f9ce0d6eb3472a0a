//! Whether the store can write, as its last commit showed. Nobody asks the disk: whoever commits
//! learns it.

use std::{fmt, time::Duration};

use tokio::sync::watch;

use crate::engine::StoreError;

/// Why nothing is written now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    DiskFull,
    /// The file system is read-only, or reading, writing or syncing fails.
    Unwritable,
    Damaged,
    /// A commit waits for longer than [`LONGEST_WAIT`].
    Stuck,
}

/// What a healthy commit stays far below.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Trouble {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DiskFull => "disk_full",
            Self::Unwritable => "unwritable",
            Self::Damaged => "damaged",
            Self::Stuck => "stuck",
        }
    }

    /// A refused batch says nothing about the disk.
    const fn of(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::DiskFull => Some(Self::DiskFull),
            StoreError::Unwritable(_) => Some(Self::Unwritable),
            StoreError::Damaged(_) => Some(Self::Damaged),
            StoreError::Refused(_)
            | StoreError::StillReferenced
            | StoreError::Decode(_)
            | StoreError::Locked
            | StoreError::TooLong
            | StoreError::NewerSchema { .. }
            | StoreError::Driver(_)
            | StoreError::Closed => None,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the last commit showed.
#[derive(Debug)]
pub struct Health(watch::Sender<Option<Trouble>>);

impl Default for Health {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Health {
    pub fn trouble(&self) -> Option<Trouble> {
        *self.0.borrow()
    }

    /// Tells of every change from now on.
    pub fn watch(&self) -> watch::Receiver<Option<Trouble>> {
        self.0.subscribe()
    }

    pub(crate) fn note(&self, outcome: Result<(), &StoreError>) {
        match outcome {
            Ok(()) => self.set(None),
            Err(error) => {
                if let Some(trouble) = Trouble::of(error) {
                    self.set(Some(trouble));
                }
            }
        }
    }

    /// To be told now and then how long the oldest commit has waited: one that waits for ever notes
    /// nothing itself.
    pub fn note_wait(&self, longest: Duration) {
        if longest > LONGEST_WAIT {
            self.set(Some(Trouble::Stuck));
        }
    }

    fn set(&self, trouble: Option<Trouble>) {
        // Nearly always nothing changes, and then nobody is kept from reading.
        if self.trouble() == trouble {
            return;
        }
        self.0.send_replace(trouble);
        if let Some(trouble) = trouble {
            tracing::error!(%trouble, "the store does not write");
        } else {
            tracing::info!("the store writes again");
        }
    }
}
