//! What a GET answers can be PUT back: for the tests of each kind.

use serde_json::Value;

use super::trial::{NOW, rebuild};
use crate::resource::{Built, Resource, Stored};

pub(crate) fn rebuilt_from_view<R: Resource>(stored: &Stored<R>) -> Built<R> {
    rebuild(Value::Object(R::view(stored, NOW)), stored).unwrap()
}
