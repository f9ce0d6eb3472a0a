use std::iter;

use proptest::prelude::*;

use super::{
    ForwardingHeader::{Forwarded, XForwardedFor},
    *,
};

fn proxies(header: ForwardingHeader) -> Proxies {
    Proxies {
        trusted: ["10.0.0.0/8", "2001:db8:ffff::/48"]
            .into_iter()
            .filter_map(network)
            .collect(),
        header,
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn client(header: ForwardingHeader, lines: &[&str]) -> Option<IpAddr> {
    proxies(header).client([10, 0, 0, 1].into(), lines.iter())
}

#[test]
fn whoever_is_no_trusted_proxy_is_the_client_whatever_it_says() {
    let stranger: IpAddr = [203, 0, 113, 9].into();
    for header in [Forwarded, XForwardedFor] {
        let lines = ["for=192.0.2.1", "192.0.2.1"];
        assert_eq!(
            proxies(header).client(stranger, lines.iter()),
            Some(stranger)
        );
        assert_eq!(
            Proxies::default().client(stranger, lines.iter()),
            Some(stranger)
        );
    }
}

#[test]
fn without_the_header_the_sockets_address_counts() {
    assert_eq!(client(XForwardedFor, &[]), Some(address("10.0.0.1")));
    assert_eq!(client(Forwarded, &["", " , "]), Some(address("10.0.0.1")));
}

#[test]
fn entries_are_read_from_right_to_left_until_one_is_not_trusted() {
    for lines in [
        &["198.51.100.7"][..],
        &["192.0.2.1, 198.51.100.7"],
        &["192.0.2.1,198.51.100.7 , 10.2.2.2"],
        &["192.0.2.1, 198.51.100.7", "10.2.2.2, 2001:db8:ffff::1"],
        &["rubbish", "198.51.100.7"],
    ] {
        assert_eq!(
            client(XForwardedFor, lines),
            Some(address("198.51.100.7")),
            "{lines:?}"
        );
    }
    // All are proxies: the farthest of them asks for itself.
    assert_eq!(
        client(XForwardedFor, &["10.3.3.3, 10.2.2.2"]),
        Some(address("10.3.3.3"))
    );
}

#[test]
fn every_way_of_writing_an_address_is_read() {
    for (line, written) in [
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:1", "192.0.2.1"),
    ] {
        assert_eq!(
            client(XForwardedFor, &[line]),
            Some(address(written)),
            "{line}"
        );
    }
    for (line, written) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=\"192.0.2.1:4711\"", "192.0.2.1"),
        ("FOR=\"[2001:db8::7]:4711\"", "2001:db8::7"),
        ("for=\"[2001:db8::7]:_hidden\"", "2001:db8::7"),
        ("for=\"192.0.2.\\1\"", "192.0.2.1"),
        (
            "proto=https;by=10.0.0.1;host=\"a;b, c\\\"d\";for=192.0.2.1",
            "192.0.2.1",
        ),
        ("for=192.0.2.9, for=192.0.2.1;proto=https", "192.0.2.1"),
    ] {
        assert_eq!(client(Forwarded, &[line]), Some(address(written)), "{line}");
    }
}

#[test]
fn a_trusted_proxy_that_hides_the_client_leaves_it_unknown() {
    for line in [
        "unknown",
        "_hidden",
        "192.0.2.1:x",
        "192.0.2.1:99999",
        "[192.0.2.1]",
        "192.0.2",
        "[::1",
        "192.0.2.1, fe80::1%eth0",
    ] {
        assert_eq!(client(XForwardedFor, &[line]), None, "{line}");
    }
    for line in [
        "for=unknown",
        "for=_hidden",
        "for=\"_hidden:_port\"",
        "for=",
        "for=\"",
        "for=\"192.0.2.1",
        "by=192.0.2.1",
        "for=192.0.2.1;for=192.0.2.2",
        "192.0.2.1",
        "for=192.0.2.1, proto=https",
    ] {
        assert_eq!(client(Forwarded, &[line]), None, "{line}");
    }
}

#[test]
fn the_peer_itself_may_be_a_mapped_address() {
    let peer = "::ffff:10.0.0.1".parse().unwrap();
    let found = proxies(XForwardedFor).client(peer, iter::once("192.0.2.1"));
    assert_eq!(found, Some(address("192.0.2.1")));
}

/// An address that no trusted network holds.
fn stranger() -> impl Strategy<Value = IpAddr> {
    let outside = |address: &IpAddr| {
        !proxies(Forwarded).trusts(*address) && *address == address.to_canonical()
    };
    prop_oneof![
        any::<Ipv4Addr>().prop_map(IpAddr::from),
        any::<Ipv6Addr>().prop_map(IpAddr::from)
    ]
    .prop_filter("a stranger's", outside)
}

fn as_forwarded(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("for={address};proto=https"),
        IpAddr::V6(address) => format!("host=\"x,y\";for=\"[{address}]:443\""),
    }
}

proptest! {
    #[test]
    fn nothing_that_a_client_writes_hides_what_the_proxy_adds(
        forged in "[ -~]{0,60}|(for=\"?[0-9.:\\[\\]]{0,20}\"?[,;\\\\]? ?){0,4}",
        address in stranger(),
        hops in 0_usize..4,
        in_one_line: bool,
    ) {
        for (header, told) in [(XForwardedFor, address.to_string()), (Forwarded, as_forwarded(address))] {
            let hop = match header { XForwardedFor => "10.9.9.9", Forwarded => "for=10.9.9.9" };
            let mut said = vec![forged.clone(), told];
            said.extend(iter::repeat_n(hop.to_owned(), hops));
            if in_one_line {
                said = vec![said.join(", ")];
            }
            prop_assert_eq!(proxies(header).client([10, 0, 0, 1].into(), said.iter()), Some(address));
        }
    }

    #[test]
    fn no_text_makes_it_panic(lines in prop::collection::vec("\\PC{0,40}", 0..4)) {
        for header in [XForwardedFor, Forwarded] {
            let _ = proxies(header).client([10, 0, 0, 1].into(), lines.iter());
        }
    }
}
