//! Whose address a request comes from, when proxies stand between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// A block of addresses in CIDR notation (RFC 4632 §3.1), or one address. Bits after the prefix do
/// not matter.
pub fn network(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(address.to_canonical().into()),
        Err(_) => text.parse().ok(),
    }
}

/// Where proxies say for whom they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardingHeader {
    /// RFC 7239
    #[default]
    Forwarded,
    XForwardedFor,
}

impl ForwardingHeader {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
        }
    }

    /// What one line of the header says, the nearest proxy's word first. `None`: no address.
    fn entries(self, line: &str) -> impl Iterator<Item = Option<IpAddr>> {
        // Read from the right: whatever a client wrote at the left, even an open quote, it cannot
        // swallow what the proxy has added.
        let elements = FromRight {
            rest: Some(line),
            separator: ',',
        };
        elements
            .map(str::trim)
            .filter(|element| !element.is_empty())
            .map(move |element| match self {
                Self::Forwarded => node(&for_parameter(element)?),
                Self::XForwardedFor => node(element),
            })
    }
}

/// The proxies that are believed, and the one header that they write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    pub trusted: Vec<IpNet>,
    pub header: ForwardingHeader,
}

impl Proxies {
    /// The client's address: the nearest that is not a trusted proxy's. `lines` are the header's, in
    /// their order. `None` where a trusted proxy does not say it.
    pub fn client<L: AsRef<str>>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = L>,
    ) -> Option<IpAddr> {
        let mut nearest = peer.to_canonical();
        for line in lines.rev() {
            for entry in self.header.entries(line.as_ref()) {
                if !self.trusts(nearest) {
                    return Some(nearest);
                }
                nearest = entry?;
            }
        }
        Some(nearest)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// The parts of a text, the last first; separators within quotes separate nothing.
struct FromRight<'a> {
    rest: Option<&'a str>,
    separator: char,
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let mut is_quoted = false;
        for (at, character) in text.char_indices().rev() {
            let before = text.get(..at).unwrap_or_default();
            if character == '"' {
                let escapes = before.len() - before.trim_end_matches('\\').len();
                is_quoted = !is_quoted || !escapes.is_multiple_of(2);
            } else if character == self.separator && !is_quoted {
                self.rest = Some(before);
                return text.get(at + character.len_utf8()..);
            }
        }
        self.rest = None;
        Some(text)
    }
}

/// The `for` of an element, without its quotes. One that is there twice says nothing.
fn for_parameter(element: &str) -> Option<String> {
    let pairs = FromRight {
        rest: Some(element),
        separator: ';',
    };
    let mut named = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| name.eq_ignore_ascii_case("for"))
        .map(|(_, value)| value);
    let value = named.next()?;
    if named.next().is_some() {
        return None;
    }
    let Some(quoted) = value.strip_prefix('"') else {
        return Some(value.to_owned());
    };
    let mut characters = quoted.strip_suffix('"')?.chars();
    let mut text = String::new();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' {
            characters.next()?
        } else {
            character
        });
    }
    Some(text)
}

/// The address of a node with or without its port (RFC 7239 §6); `unknown` and names that hide it
/// are none.
fn node(text: &str) -> Option<IpAddr> {
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let address = address.parse::<Ipv6Addr>().ok()?;
        return is_port(port).then(|| IpAddr::from(address).to_canonical());
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = text.split_at_checked(text.find(':')?)?;
    let address = address.parse::<Ipv4Addr>().ok()?;
    is_port(port).then_some(address.into())
}

/// Nothing, `:443`, or `:_hidden`.
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else {
        return text.is_empty();
    };
    let is_hidden = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        || port.strip_prefix('_').is_some_and(is_hidden)
}

#[cfg(test)]
#[path = "client_address_tests.rs"]
mod tests;
