//! The operating system's randomness.

use std::cell::RefCell;

use stepgate_domain::entropy::Entropy;
use zeroize::Zeroize;

/// How many bytes a thread draws ahead. A draw of a few bytes costs as much as one of all these, and
/// an answer needs many of a few: ids, digits, tokens.
const RESERVE: usize = 512;

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Entropy for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        if bytes.len() > RESERVE {
            draw(bytes);
        } else {
            DRAWN.with_borrow_mut(|drawn| drawn.take(bytes));
        }
    }
}

fn draw(bytes: &mut [u8]) {
    // There is no way on without randomness: a predictable code or key would be worse than a stop.
    if aws_lc_rs::rand::fill(bytes).is_err() {
        std::process::abort();
    }
}

thread_local! {
    static DRAWN: RefCell<Reserve> = const { RefCell::new(Reserve { bytes: [0; RESERVE], left: 0 }) };
}

/// Bytes that were drawn and not yet used, at the front.
struct Reserve {
    bytes: [u8; RESERVE],
    left: usize,
}

impl Reserve {
    /// What is handed out is wiped here: nobody gets it again, and no dump of the memory shows it.
    fn take(&mut self, bytes: &mut [u8]) {
        if bytes.len() > self.left {
            draw(&mut self.bytes);
            self.left = RESERVE;
        }
        let (ready, _) = self.bytes.split_at_mut(self.left);
        let (rest, taken) = ready.split_at_mut(ready.len() - bytes.len());
        bytes.copy_from_slice(taken);
        taken.zeroize();
        self.left = rest.len();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn nothing_is_handed_out_twice_or_left_undrawn() {
        let mut seen = HashSet::new();
        for length in (8..=RESERVE + 8).chain([RESERVE, 16, RESERVE]) {
            let mut bytes = vec![0; length];
            SystemRandom.fill(&mut bytes);
            for part in bytes.chunks_exact(8) {
                assert!(part.iter().any(|&byte| byte != 0));
                assert!(seen.insert(part.to_vec()));
            }
        }
    }

    #[test]
    fn what_was_handed_out_is_wiped() {
        let mut reserve = Reserve {
            bytes: [0; RESERVE],
            left: 0,
        };
        reserve.take(&mut [0; 100]);
        reserve.take(&mut [0; 20]);
        assert_eq!(reserve.left, RESERVE - 120);
        assert_eq!(reserve.bytes[reserve.left..], [0; 120]);
        assert!(reserve.bytes[..reserve.left].iter().any(|&byte| byte != 0));
    }
}
