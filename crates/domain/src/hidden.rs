//! Members that answers do not show.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

/// A member that is stored with its object, and in no answer that shows the object. It has no JSON
/// Schema on purpose: a type that derives one does not compile unless it leaves the member out, and
/// answers have no members but those of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden<T>(T);

impl<T> Hidden<T> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Hidden<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Hidden<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Hidden<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
