use std::net::{IpAddr, Ipv4Addr};

use stepgate_domain::client_address::{ForwardingHeader, Proxies, network};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

/// Nobody but a trusted proxy is believed, and what a client has written before a proxy's word
/// changes nothing. The first byte chooses the header; each line of the rest is a line of it.
pub fn forwarded(data: &[u8]) {
    let Some((choice, text)) = data
        .split_first()
        .and_then(|(first, rest)| Some((first, crate::text(rest)?)))
    else {
        return;
    };
    let header = if choice % 2 == 0 {
        ForwardingHeader::Forwarded
    } else {
        ForwardingHeader::XForwardedFor
    };
    let trusted = ["10.0.0.0/8", "2001:db8::/32"];
    let proxies = Proxies {
        trusted: trusted.into_iter().filter_map(network).collect(),
        header,
    };
    let lines: Vec<&str> = text.lines().collect();
    let is_trusted = |address: IpAddr| {
        proxies
            .trusted
            .iter()
            .any(|network| network.contains(&address))
    };

    let alone = Proxies {
        trusted: Vec::new(),
        header,
    };
    assert_eq!(alone.client(PEER, lines.iter()), Some(PEER));
    assert_eq!(proxies.client(STRANGER, lines.iter()), Some(STRANGER));

    let Some(client) = proxies.client(PEER, lines.iter()) else {
        return;
    };
    assert_eq!(client, client.to_canonical());
    assert!(client == PEER || says(text, client), "nobody said {client}");
    // Somebody who is not trusted: all that stands before is his own.
    if is_trusted(client) {
        return;
    }
    let mut forged = vec![
        "for=198.51.100.7, for=\"[2001:db8::1]\"",
        "198.51.100.7, \"",
        "",
    ];
    forged.extend(&lines);
    assert_eq!(proxies.client(PEER, forged.iter()), Some(client));
    if let Some((first, others)) = lines.split_first() {
        // What is quoted without an end says nothing, once more stands before it.
        let is_whole = first.matches('"').count() % 2 == 0 && !first.contains('\\');
        for before in ["for=\"198.51.100.7", "198.51.100.7", "\"", "\\", ";"] {
            let joined = format!("{before}, {first}");
            let mut lines = vec![joined.as_str()];
            lines.extend(others);
            let told = proxies.client(PEER, lines.iter());
            assert!(
                told == Some(client) || (told.is_none() && !is_whole),
                "{before} made {told:?} of {client}"
            );
        }
    }
}

/// Whether the address is written somewhere in the text, in whichever spelling.
fn says(text: &str, address: IpAddr) -> bool {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    let unescaped = text.replace('\\', "");
    let parts = unescaped.split(|c: char| !is_part(c));
    let spellings = parts.flat_map(|part| {
        let ends = (1..=part.len()).filter_map(|end| part.get(..end));
        ends.flat_map(|part| (0..part.len()).filter_map(|start| part.get(start..)))
    });
    let mut read = spellings.filter_map(|part| part.parse::<IpAddr>().ok());
    read.any(|found| found.to_canonical() == address)
}
