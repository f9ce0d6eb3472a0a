//! Blocks of addresses.

use std::net::IpAddr;

/// A block of addresses in CIDR notation (RFC 4632 §3.1); bits after the prefix do not matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Network {
    bits: u128,
    prefix: u32,
    is_v4: bool,
}

impl Network {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (bits, width, is_v4) = bits(address);
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
        };
        (prefix <= width).then_some(Self {
            bits,
            prefix,
            is_v4,
        })
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        let (bits, width, is_v4) = bits(address.to_canonical());
        let hidden = width - self.prefix.min(width);
        let network = |bits: u128| bits.checked_shr(hidden).unwrap_or(0);
        is_v4 == self.is_v4 && network(bits) == network(self.bits)
    }
}

fn bits(address: IpAddr) -> (u128, u32, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32, true),
        IpAddr::V6(address) => (address.to_bits(), 128, false),
    }
}
