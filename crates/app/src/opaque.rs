//! Tokens that say nothing to their holders, and that the store knows by keyed hashes only.
//!
//! A token begins with the time when it was made, and so does its hash. So what is made together lies
//! together in the store: a row at a random place of a large index costs a page of its own at each
//! commit. The rest of the token is what nobody guesses.

use data_encoding::{BASE32HEX_NOPAD, BASE64URL_NOPAD};
use stepgate_domain::{entropy::Entropy, time::Timestamp};

use crate::{random::SystemRandom, seal::DataKey};

/// 48 bits of milliseconds, in an alphabet that keeps their order.
const TIME_CHARACTERS: usize = 10;

/// How many characters a token of so many random bytes has.
pub(crate) const fn characters(bytes: usize) -> usize {
    TIME_CHARACTERS + (bytes * 8).div_ceil(6)
}

pub(crate) fn mint(now: Timestamp, bytes: usize) -> String {
    let entropy: &mut dyn Entropy = &mut SystemRandom;
    let [_, _, time @ ..] = now.as_millis().to_be_bytes();
    let mut token = BASE32HEX_NOPAD.encode(&time);
    token.push_str(&entropy.token(bytes));
    token
}

/// When the token was made; what is no token of ours tells nothing.
pub(crate) fn minted_at(token: &str) -> Option<Timestamp> {
    let time = BASE32HEX_NOPAD.decode(token.get(..TIME_CHARACTERS)?.as_bytes());
    let mut millis = [0; 8];
    let [_, _, last @ ..] = &mut millis;
    *last = time.ok()?.try_into().ok()?;
    Some(Timestamp::from_millis(i64::from_be_bytes(millis)))
}

/// What the token is stored under. `purpose` keeps tokens of one kind from being taken for others.
pub(crate) fn hash(key: &DataKey, purpose: &str, token: &str) -> String {
    // What is no token of ours is looked up all the same, and not found.
    let time = token.get(..TIME_CHARACTERS).unwrap_or_default();
    let is_time = time.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut hash = if is_time { time } else { "" }.to_owned();
    BASE64URL_NOPAD.encode_append(&key.hash(purpose, &[token.as_bytes()]), &mut hash);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> DataKey {
        DataKey::for_tests([7; 32])
    }

    #[test]
    fn later_tokens_have_greater_hashes() {
        let hash_at = |millis| {
            let token = mint(Timestamp::from_millis(millis), 32);
            assert_eq!(token.len(), characters(32));
            assert_eq!(minted_at(&token), Some(Timestamp::from_millis(millis)));
            hash(&key(), "code", &token)
        };
        let times = [
            0,
            1,
            31,
            32,
            1_764_000_000_000,
            1_764_000_000_001,
            (1 << 48) - 1,
        ];
        let hashes = times.map(hash_at);
        assert!(hashes.is_sorted());
    }

    #[test]
    fn tokens_of_one_moment_differ() {
        let now = Timestamp::from_millis(1);
        assert_ne!(mint(now, 32), mint(now, 32));
    }

    proptest! {
        #[test]
        fn whatever_is_handed_in_has_a_hash_of_plain_characters(token in ".*") {
            let hash = hash(&key(), "code", &token);
            prop_assert!(hash.len() == 43 || hash.len() == 43 + TIME_CHARACTERS);
            prop_assert!(hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        }
    }
}
