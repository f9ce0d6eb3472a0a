//! The operating system's randomness.

use stepgate_domain::entropy::Entropy;

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Entropy for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        // There is no way on without randomness: a predictable code or key would be worse than a stop.
        if aws_lc_rs::rand::fill(bytes).is_err() {
            std::process::abort();
        }
    }
}
