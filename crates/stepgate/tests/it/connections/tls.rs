//! TLS by the server itself.

use std::{fs, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{HEALTH, eventually};
use crate::support::Server;

/// A certificate for `localhost` in two files, and clients that trust it.
struct Pair {
    directory: TempDir,
    roots: RootCertStore,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            directory: tempfile::tempdir().unwrap(),
            roots: RootCertStore::empty(),
        };
        pair.renew();
        pair
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Another certificate in the same files.
    fn renew(&mut self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(self.file("cert.pem"), made.cert.pem()).unwrap();
        fs::write(self.file("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let certificate = made.cert.der().clone();
        self.roots.add(certificate.clone()).unwrap();
        certificate
    }

    async fn serve(&self, more: &[&str]) -> Server {
        let (cert, key) = (self.file("cert.pem"), self.file("key.pem"));
        let files = [
            "--tls-cert",
            cert.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ];
        Server::start_unasked(&[&files[..], more].concat()).await
    }

    async fn connect(&self, server: &Server, protocols: &[&str]) -> TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let socket = TcpStream::connect(server.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config))
            .connect(name, socket)
            .await
            .unwrap()
    }

    /// The certificate that the server shows.
    async fn shown(&self, server: &Server) -> CertificateDer<'static> {
        let stream = self.connect(server, &[]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0]
            .clone()
            .into_owned()
    }
}

#[tokio::test]
async fn clients_choose_the_protocol_by_alpn() {
    let pair = Pair::new();
    let mut server = pair.serve(&[]).await;
    for protocols in [&[][..], &["http/1.1"], &["http/1.1", "h2"]] {
        let mut stream = pair.connect(&server, protocols).await;
        if protocols.contains(&"h2") {
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            continue;
        }
        stream.write_all(HEALTH.as_bytes()).await.unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
    let stream = pair.connect(&server, &["h2"]).await;
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get("https://localhost/healthz")
        .body(())
        .unwrap();
    let (answer, _) = requests.send_request(request, true).unwrap();
    let mut answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.body_mut().data().await.unwrap().unwrap();
    assert_eq!(&body[..], br#"{"status":"ok"}"#);
    assert_eq!(server.stop().await, Some(0));
    // The server said that it goes; the client's last words may have met nobody.
    if let Err(error) = connection.await.unwrap() {
        assert!(error.is_io(), "{error}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_shown_and_a_broken_one_is_not() {
    let mut pair = Pair::new();
    let server = pair.serve(&[]).await;
    let first = pair.shown(&server).await;
    fs::write(pair.file("key.pem"), "no key").unwrap();
    server.hang_up();
    eventually("the broken pair is in the log", async || {
        server.log().contains("the certificate stays what it was")
    })
    .await;
    assert_eq!(pair.shown(&server).await, first);
    let second = pair.renew();
    server.hang_up();
    eventually("the second is shown", async || {
        pair.shown(&server).await == second
    })
    .await;
    // Without a word too, within a few seconds.
    let third = pair.renew();
    eventually("the third is shown", async || {
        pair.shown(&server).await == third
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_shake_hands_is_sent_away() {
    let pair = Pair::new();
    let server = pair.serve(&["--connections-headers-seconds=1"]).await;
    for sent in ["", "\u{16}\u{3}\u{1}", HEALTH] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        super::send(&mut stream, sent).await;
        super::closed(&mut stream).await;
    }
    assert!(server.log().contains("no TLS handshake"));
}
