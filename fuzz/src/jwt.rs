use std::sync::OnceLock;

use axum::{body::Body, extract::Request, http::header};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use stepgate_app::tokens::{TokenFault, verify};

use crate::{
    samples::NOW,
    server::{HOST, Server, server},
};

/// A token is accepted when it is, to the letter, one that we signed; a hint when the application's
/// own secret signed it. The first byte says which is meant. The rest is the compact form, or the
/// header, the claims and the name of what it is signed with on lines of their own. Names in braces
/// stand for what only this server knows.
pub fn jwt(data: &[u8]) {
    let parts = data
        .split_first()
        .and_then(|(kind, rest)| Some((*kind, crate::text(rest)?)));
    let Some((kind, text)) = parts else { return };
    let server = server();
    let text = filled_in(server, text);
    match kind {
        b'h' => hint(server, &text),
        _ => access_token(server, &text),
    }
}

fn access_token(server: &Server, text: &str) {
    let genuine = &server.token;
    let (signed, signature) = genuine.rsplit_once('.').expect("has three parts");
    let token = compact(text, |input, name| match name {
        "genuine" => signature.to_owned(),
        // As if the public key were a shared one.
        "public" => hmac(public_key(server), input),
        "secret" => hmac(&server.client_secret, input),
        other => BASE64URL_NOPAD.encode(other.as_bytes()),
    });
    let verdict = server.block_on(verify(&server.app, &token, NOW));
    match verdict.expect("the store answers") {
        Ok(verified) => {
            assert_eq!(&token, genuine);
            assert_eq!(verified.environment.to_string(), server.environment);
            let after = NOW + stepgate_domain::time::Duration::from_days(1_000);
            let verdict = server.block_on(verify(&server.app, &token, after));
            let fault = verdict.expect("the store answers").err();
            assert_eq!(fault, Some(TokenFault::Expired));
        }
        Err(fault) => {
            assert_ne!(&token, genuine, "{fault:?}");
            assert!(fault != TokenFault::Expired || token.starts_with(signed));
        }
    }
}

fn hint(server: &Server, text: &str) {
    let mut is_ours = false;
    let token = compact(text, |input, name| match name {
        "secret" => {
            is_ours = true;
            hmac(&server.client_secret, input)
        }
        "public" => hmac(public_key(server), input),
        other => BASE64URL_NOPAD.encode(other.as_bytes()),
    });
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &server.client)
        .append_pair("response_type", "code")
        .append_pair("response_mode", "pi.flow")
        .append_pair("login_hint_token", &token)
        .finish();
    let request = Request::get(format!("/{}/as/authorize?{query}", server.environment))
        .header(header::HOST, HOST)
        .body(Body::empty());
    let answer = server.answer(request.expect("a request"));
    assert!(!answer.status.is_server_error());
    if answer.status.is_success() {
        assert!(is_ours, "somebody else's hint was accepted");
        let header = text.lines().next().unwrap_or_default();
        assert!(header.contains("HS256"), "another algorithm was accepted");
    } else {
        let body = answer.json();
        assert!(body["code"].is_string(), "{body}");
    }
}

fn compact(text: &str, sign: impl FnOnce(&str, &str) -> String) -> String {
    let mut lines = text.splitn(3, '\n');
    let (Some(header), Some(claims), Some(name)) = (lines.next(), lines.next(), lines.next())
    else {
        return text.to_owned();
    };
    let encode = |part: &str| BASE64URL_NOPAD.encode(part.as_bytes());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = sign(&input, name.trim_end());
    format!("{input}.{signature}")
}

fn hmac(key: &str, input: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key will do");
    mac.update(input.as_bytes());
    BASE64URL_NOPAD.encode(&mac.finalize().into_bytes())
}

/// The modulus, as everybody may read it.
fn public_key(server: &Server) -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let environment = server.environment.parse().expect("an id");
        let signer = server.block_on(server.app.signer(environment));
        let key = signer.expect("has a key").jwk();
        key["n"].as_str().unwrap_or_default().to_owned()
    })
}

fn filled_in(server: &Server, text: &str) -> String {
    let (signed, _) = server.token.rsplit_once('.').expect("has three parts");
    let decoded: Vec<String> = signed
        .split('.')
        .map(|part| {
            let part = BASE64URL_NOPAD
                .decode(part.as_bytes())
                .expect("is base64url");
            String::from_utf8(part).expect("is text")
        })
        .collect();
    let [header, claims] = <[String; 2]>::try_from(decoded).expect("two parts are signed");
    let issuer = format!("https://{HOST}/{}/as", server.environment);
    text.replace("{token}", &server.token)
        .replace("{signed}", signed)
        .replace("{header}", &header)
        .replace("{claims}", &claims)
        .replace("{client}", &server.client)
        .replace("{user}", &server.user)
        .replace("{issuer}", &issuer)
}
