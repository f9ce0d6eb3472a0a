//! What the server is called, and who stands before it.

use stepgate_app::origin::PublicUrls;
use stepgate_domain::client_address::{ForwardingHeader, Proxies, network};

use super::{
    read::Reader,
    settings::{Mode, base_url},
};

pub(super) fn public_urls(reader: &mut Reader, mode: Option<Mode>) -> PublicUrls {
    let urls = PublicUrls {
        both: reader.list("public_url", base_url).unwrap_or_default(),
        management: reader.optional("api_url", base_url),
        authentication: reader.optional("auth_url", base_url),
    };
    if mode == Some(Mode::Production) {
        for (key, urls) in [
            ("public_url", urls.both.as_slice()),
            ("api_url", urls.management.as_slice()),
            ("auth_url", urls.authentication.as_slice()),
        ] {
            if urls.iter().any(|url| !url.starts_with("https://")) {
                reader.complain(key, "must be https in production mode");
            }
        }
    }
    let is_given = |key: &str| reader.raw(key).is_some();
    let sides = [is_given("api_url"), is_given("auth_url")];
    if is_given("public_url") {
        return urls;
    }
    match sides {
        [true, false] => reader.complain("auth_url", BESIDE),
        [false, true] => reader.complain("api_url", BESIDE),
        [false, false] if mode == Some(Mode::Production) => reader.complain(
            "public_url",
            "is required in production mode: links and issuers are made from it",
        ),
        [true, true] | [false, false] => {}
    }
    urls
}

const BESIDE: &str = "is required where only the other side's URL is given";

pub(super) fn proxies(reader: &mut Reader) -> Option<Proxies> {
    let trusted = reader.list("trusted_proxies", |text| {
        network(text).ok_or_else(|| "is no address or block of addresses".to_owned())
    });
    let header = reader.optional("forwarded_header", header);
    let names_proxies = reader
        .raw("trusted_proxies")
        .map(|given| !given.text.trim().is_empty());
    match (names_proxies, reader.raw("forwarded_header").is_some()) {
        // One that the proxies do not write would be the client's own word.
        (Some(true), false) => {
            reader.complain("forwarded_header", "is required with trusted_proxies");
        }
        (None, true) => reader.complain("trusted_proxies", "is required with forwarded_header"),
        (Some(_), _) | (None, false) => {}
    }
    Some(Proxies {
        trusted: trusted?,
        header: header.unwrap_or_default(),
    })
}

fn header(value: &str) -> Result<ForwardingHeader, String> {
    [ForwardingHeader::Forwarded, ForwardingHeader::XForwardedFor]
        .into_iter()
        .find(|header| header.name().eq_ignore_ascii_case(value))
        .ok_or_else(|| "must be Forwarded or X-Forwarded-For".to_owned())
}
