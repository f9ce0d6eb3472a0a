//! Typed identifiers.
//!
//! All of them have the shape of version 4, which clients insist on. Within it most begin with their
//! time, as those of version 7 do, so that rows in order of id are rows in order of creation.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    str::FromStr,
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::{Uuid, Version};

use crate::{entropy::Entropy, text, time::Timestamp};

/// The id of a `T`: a UUID in its lower-case hyphenated form.
pub struct Id<T: ?Sized> {
    uuid: Uuid,
    of: PhantomData<fn() -> T>,
}

impl<T: ?Sized> Id<T> {
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self {
            uuid,
            of: PhantomData,
        }
    }

    /// An id that begins with its time.
    pub fn new(now: Timestamp, entropy: &mut dyn Entropy) -> Self {
        Self::timed(now, entropy.bytes())
    }

    /// An id that begins with its time, and also sorts after the ones made before it in the same
    /// millisecond (RFC 9562 §6.2, method 1).
    pub fn next(sequence: &mut IdSequence, now: Timestamp, entropy: &mut dyn Entropy) -> Self {
        let (at, count) = sequence.next(now);
        let mut random = entropy.bytes::<10>();
        // Only the lower twelve bits of the first two bytes are kept.
        let [high, low] = count.to_be_bytes();
        random[0] = high;
        random[1] = low;
        Self::timed(at, random)
    }

    /// 48 bits of milliseconds, the version, twelve bits, the variant, 62 bits.
    fn timed(at: Timestamp, random: [u8; 10]) -> Self {
        let millis = u64::try_from(at.as_millis()).unwrap_or_default();
        let laid_out = uuid::Builder::from_unix_timestamp_millis(millis, &random);
        Self::from_uuid(laid_out.with_version(Version::Random).into_uuid())
    }

    /// An id that tells nothing of its time.
    pub fn random(entropy: &mut dyn Entropy) -> Self {
        Self::from_uuid(uuid::Builder::from_random_bytes(entropy.bytes()).into_uuid())
    }

    /// An id that the first half of a hash makes, and that looks like a random one.
    pub fn of_hash(hash: &[u8; 32]) -> Self {
        let (first, _) = hash.split_at(16);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(first);
        Self::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    pub const fn uuid(self) -> Uuid {
        self.uuid
    }

    /// The same UUID as the id of something else: for ids whose type is only known from a path.
    pub const fn cast<U: ?Sized>(self) -> Id<U> {
        Id::from_uuid(self.uuid)
    }
}

/// Counts the ids of one millisecond.
#[derive(Debug, Default)]
pub struct IdSequence {
    last: Timestamp,
    count: u16,
}

impl IdSequence {
    /// Twelve bits of count; when they are used up, or the clock has gone back, the next
    /// millisecond is borrowed.
    fn next(&mut self, now: Timestamp) -> (Timestamp, u16) {
        if now > self.last {
            (self.last, self.count) = (now, 0);
        } else if self.count < 0x0fff {
            self.count += 1;
        } else {
            (self.last, self.count) = (Timestamp::from_millis(self.last.as_millis() + 1), 0);
        }
        (self.last, self.count)
    }
}

impl<T: ?Sized> Copy for Id<T> {}
impl<T: ?Sized> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<T: ?Sized> Eq for Id<T> {}
impl<T: ?Sized> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T: ?Sized> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<T: ?Sized> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}
impl<T: ?Sized> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.uuid.as_hyphenated(), f)
    }
}
impl<T: ?Sized> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a UUID in lower-case hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a UUID in lower-case hyphenated form")]
pub struct MalformedId;

impl<T: ?Sized> FromStr for Id<T> {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let uuid = Uuid::try_parse(text).map_err(|_| MalformedId)?;
        let mut buffer = Uuid::encode_buffer();
        if uuid.as_hyphenated().encode_lower(&mut buffer) == text {
            Ok(Self::from_uuid(uuid))
        } else {
            Err(MalformedId)
        }
    }
}

impl<T: ?Sized> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = Uuid::encode_buffer();
        serializer.serialize_str(self.uuid.as_hyphenated().encode_lower(&mut buffer))
    }
}
impl<'de, T: ?Sized> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer)
    }
}
impl<T: ?Sized> JsonSchema for Id<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid" })
    }
}

/// `{"id": …}`: how a body names another object.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(bound = "")]
#[schemars(bound = "", inline)]
pub struct Ref<T: ?Sized> {
    pub id: Id<T>,
}

impl<T: ?Sized> Copy for Ref<T> {}
impl<T: ?Sized> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
impl<T: ?Sized> Eq for Ref<T> {}
impl<T: ?Sized> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({})", self.id)
    }
}
impl<T: ?Sized> From<Id<T>> for Ref<T> {
    fn from(id: Id<T>) -> Self {
        Self { id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Seeded;

    #[test]
    fn ids_made_later_sort_later() {
        let mut entropy = Seeded(3);
        let early = Id::<()>::new(Timestamp::from_millis(1_000), &mut entropy);
        let late = Id::<()>::new(Timestamp::from_millis(1_001), &mut entropy);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn ids_made_in_one_millisecond_or_while_the_clock_goes_back_sort_as_they_were_made() {
        let (mut sequence, mut entropy) = (IdSequence::default(), Seeded(3));
        let mut next = |millis| {
            Id::<()>::next(&mut sequence, Timestamp::from_millis(millis), &mut entropy).to_string()
        };
        let mut ids: Vec<String> = (0..10_000).map(|_| next(1_000)).collect();
        ids.push(next(500));
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), 10_001);
    }

    #[test]
    fn every_id_has_the_shape_of_version_4() {
        let (mut sequence, mut entropy) = (IdSequence::default(), Seeded(3));
        for millis in [0, 1_000, 1_000, 1_800_000_000_000, i64::MAX] {
            let now = Timestamp::from_millis(millis);
            for id in [
                Id::<()>::new(now, &mut entropy),
                Id::next(&mut sequence, now, &mut entropy),
                Id::random(&mut entropy),
            ] {
                assert_eq!(id.uuid().get_version(), Some(Version::Random), "{id}");
                assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122, "{id}");
            }
        }
    }

    #[test]
    fn an_id_of_version_7_is_read_and_sorts_by_its_time_among_the_others() {
        let at = |millis| Id::<()>::new(Timestamp::from_millis(millis), &mut Seeded(3));
        let (before, after) = (at(1_769_860_799_999), at(1_769_860_800_001));
        let old = uuid::Builder::from_unix_timestamp_millis(1_769_860_800_000, &[0xff; 10]);
        let old = old.into_uuid().to_string();
        assert_eq!(old.parse::<Id<()>>().unwrap().to_string(), old);
        assert!(before.to_string() < old && old < after.to_string());
    }

    #[test]
    fn only_the_canonical_form_is_an_id() {
        let id = Id::<()>::random(&mut Seeded(3)).to_string();
        assert!(id.parse::<Id<()>>().is_ok());
        for other in [
            id.to_uppercase(),
            id.replace('-', ""),
            format!("{{{id}}}"),
            String::new(),
        ] {
            assert_eq!(other.parse::<Id<()>>(), Err(MalformedId), "{other}");
        }
    }
}
