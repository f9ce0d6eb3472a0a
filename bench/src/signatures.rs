//! What this machine can sign: the floor under every flow that ends with two RS256 tokens.

use std::time::{Duration, Instant};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};

use crate::process::cpu_seconds;

/// The size of a token's signing input.
const MESSAGE: [u8; 700] = [b'x'; 700];

/// RS256 signatures in a second of CPU time, with a parsed key of 2048 bits.
pub(crate) fn per_cpu_second(span: Duration) -> anyhow::Result<f64> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let random = SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    anyhow::ensure!(
        !key.public_key().as_ref().is_empty(),
        "the key has no public half"
    );

    let (start, cpu, mut made) = (Instant::now(), cpu_seconds("self")?, 0_u32);
    while start.elapsed() < span {
        for _ in 0..50 {
            key.sign(&RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature)?;
            made += 1;
        }
    }
    Ok(f64::from(made) / (cpu_seconds("self")? - cpu))
}
