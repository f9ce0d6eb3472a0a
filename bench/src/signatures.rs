//! What this machine can sign: the floor under every flow that ends with two RS256 tokens.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};

use crate::process::cpu_seconds;

/// The size of a token's signing input.
const MESSAGE: [u8; 700] = [b'x'; 700];

/// RS256 signatures in a second of CPU time, with a parsed key of 2048 bits, while so many threads
/// sign. The cores of a machine share more than they admit: where all are busy, as they are under
/// load, each of them signs less.
pub(crate) fn per_cpu_second(threads: usize, span: Duration) -> anyhow::Result<f64> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let cpu = cpu_seconds("self")?;
    let made = thread::scope(|scope| {
        let signing: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| sign_for(&key, span)))
            .collect();
        signing
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
            .sum::<anyhow::Result<u32>>()
    })?;
    Ok(f64::from(made) / (cpu_seconds("self")? - cpu))
}

fn sign_for(key: &RsaKeyPair, span: Duration) -> anyhow::Result<u32> {
    let random = SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let (start, mut made) = (Instant::now(), 0);
    while start.elapsed() < span {
        for _ in 0..50 {
            key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)?;
            made += 1;
        }
    }
    Ok(made)
}
