//! Randomness as an argument.

/// A source of unpredictable bytes. The application hands in the operating system's; tests hand in
/// [`Seeded`].
pub trait Entropy: Send {
    fn fill(&mut self, bytes: &mut [u8]);
}

impl dyn Entropy + '_ {
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A uniformly distributed code of `length` decimal digits.
    pub fn digits(&mut self, length: usize) -> String {
        let mut code = String::with_capacity(length);
        while code.len() < length {
            let [byte] = self.bytes();
            // 250 is the largest multiple of ten in a byte: the rest would favour the low digits.
            if byte < 250 {
                code.push(char::from(b'0' + byte % 10));
            }
        }
        code
    }

    /// An opaque token of `bytes` random bytes in unpadded base64url.
    pub fn token(&mut self, bytes: usize) -> String {
        let mut raw = vec![0; bytes];
        self.fill(&mut raw);
        data_encoding::BASE64URL_NOPAD.encode(&raw)
    }
}

/// A deterministic source (SplitMix64) for tests and replays. Never for secrets.
#[derive(Debug, Clone)]
pub struct Seeded(pub u64);

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            for (byte, random) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_decimal_and_of_the_length_asked_for() {
        let entropy: &mut dyn Entropy = &mut Seeded(7);
        for length in [6, 8, 10] {
            let code = entropy.digits(length);
            assert_eq!(code.len(), length);
            assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn every_digit_is_as_likely_as_the_others() {
        let entropy: &mut dyn Entropy = &mut Seeded(1);
        let mut seen = [0_u32; 10];
        for byte in entropy.digits(100_000).bytes() {
            seen[usize::from(byte - b'0')] += 1;
        }
        assert!(
            seen.iter().all(|&count| (9_500..10_500).contains(&count)),
            "{seen:?}"
        );
    }
}
