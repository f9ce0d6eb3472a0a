//! Disks that fail while the server runs: what cannot be written is refused for now, readiness tells,
//! and all goes on when the disk does.

use std::{
    fs::{self, File},
    io::Write,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use stepgate_client::{Answer, Request, Workflow, requests};

use crate::support::{Admin, Disk, Server, command};

const PATIENCE: Duration = Duration::from_secs(30);

/// Something that keeps a server from writing, until it is dropped.
trait Fault {
    fn word(&self) -> &'static str;
}

/// The disk has no page left.
struct Filled<'a>(&'a Disk);

impl<'a> Filled<'a> {
    fn up(disk: &'a Disk) -> Self {
        let mut file = File::create(disk.path().join("ballast")).unwrap();
        while file.write_all(&[0; 4_096]).is_ok() {}
        Self(disk)
    }
}

impl Fault for Filled<'_> {
    fn word(&self) -> &'static str {
        "disk_full"
    }
}

impl Drop for Filled<'_> {
    fn drop(&mut self) {
        fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

/// A system call of the server fails, as a bad disk or a read-only one lets it.
struct Injected {
    tracer: Child,
    word: &'static str,
}

impl Injected {
    async fn into(server: &Server, calls: &str, what: &str, word: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("trace");
        let tracer = Command::new("strace")
            .args(["-f", "-p", &server.process().to_string(), "-o"])
            .arg(&log)
            .arg(format!("--inject={calls}:{what}"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs strace");
        let injected = Self { tracer, word };
        // It has taken hold when every thread is traced.
        let start = Instant::now();
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        while !is_traced(server.process()) {
            assert!(start.elapsed() < PATIENCE);
            pause.tick().await;
        }
        injected
    }
}

fn is_traced(process: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks.flatten().all(|task| {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        !status.contains("TracerPid:\t0\n")
    })
}

impl Fault for Injected {
    fn word(&self) -> &'static str {
        self.word
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        let asked = Command::new("kill")
            .args(["-TERM", &self.tracer.id().to_string()])
            .status();
        assert!(asked.unwrap().success());
        self.tracer.wait().unwrap();
    }
}

async fn readiness(server: &Server) -> Answer {
    let client = server.client();
    client.send(&Request::get("/readyz")).await.unwrap()
}

async fn is_ready_again(server: &Server) {
    let start = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    while readiness(server).await.status != 200 {
        assert!(start.elapsed() < PATIENCE, "{}", server.log());
        pause.tick().await;
    }
}

fn is_for_now(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
}

/// While the fault lasts, whatever has to be written is refused for now, whichever way it is asked
/// for; when it is over, the server is ready before anybody has asked it to write.
async fn is_borne<F: Fault>(server: &Server, begin: impl AsyncFnOnce() -> F) {
    let (client, admin) = (server.client(), Admin::of(server).await);
    let tenant = admin.tenant("Faults").await;
    let env = &tenant.environment.id;
    let signed_on = Workflow::new(&client, |_, _| {})
        .sign_on(&tenant, &[])
        .await
        .unwrap();
    let redemption = tenant.redemption(&signed_on.authorization_code);
    let population = requests::population(env, "Later").bearer(&admin.token);

    let fault = begin().await;
    // The log may have room for some more writes.
    let start = Instant::now();
    let refused = loop {
        let answer = client.send(&population).await.unwrap();
        if answer.status != 201 && answer.status != 400 {
            break answer;
        }
        assert!(start.elapsed() < PATIENCE);
    };
    is_for_now(&refused);
    assert_eq!(refused.body["code"], "SERVICE_UNAVAILABLE");
    is_for_now(&client.send(&redemption).await.unwrap());
    let hint = tenant.hint(&client).unwrap();
    let application = &tenant.application;
    let authorize = requests::authorize(
        env,
        &tenant.client_id,
        &application.redirect_uri,
        &hint,
        &[],
    );
    is_for_now(&client.send(&authorize).await.unwrap());
    let page = Request::get(format!(
        "/{env}/as/authorize?client_id={}&response_type=code&redirect_uri={}&scope=openid",
        tenant.client_id, application.redirect_uri
    ));
    is_for_now(&client.send(&page).await.unwrap());
    let readiness = readiness(server).await;
    is_for_now(&readiness);
    assert_eq!(readiness.body["reason"], fault.word());
    // What needs no write is served.
    client.call(requests::jwks(env), 200).await.unwrap();

    drop(fault);
    is_ready_again(server).await;
    // Nothing that was refused was half done.
    client.call(redemption, 200).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_borne() {
    let disk = Disk::of(64 * 1_024);
    let server = Server::start_on(disk.place()).await;
    is_borne(&server, async || Filled::up(&disk)).await;
}

#[tokio::test]
async fn a_disk_that_does_not_sync_is_borne() {
    let server = Server::start().await;
    let calls = "fsync,fdatasync";
    is_borne(&server, async || {
        Injected::into(&server, calls, "error=EIO", "unwritable").await
    })
    .await;
}

#[tokio::test]
async fn a_disk_that_became_read_only_is_borne() {
    let server = Server::start().await;
    let calls = "pwrite64,pwritev,ftruncate";
    is_borne(&server, async || {
        Injected::into(&server, calls, "error=EROFS", "unwritable").await
    })
    .await;
}

#[tokio::test]
async fn a_disk_that_hangs_is_told() {
    let server = Server::start().await;
    let (client, admin) = (server.client(), Admin::of(&server).await);
    let environment = admin.environment("Slow").await;
    let longer_than_any_commit = "delay_enter=9s";
    let slow = Injected::into(&server, "fsync,fdatasync", longer_than_any_commit, "stuck").await;
    let population = requests::population(&environment.id, "Late").bearer(&admin.token);
    let write = tokio::spawn(async move { client.call(population, 201).await });
    let start = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    let answer = loop {
        let answer = readiness(&server).await;
        if answer.status != 200 {
            break answer;
        }
        assert!(start.elapsed() < PATIENCE, "{}", server.log());
        pause.tick().await;
    };
    is_for_now(&answer);
    assert_eq!(answer.body["reason"], slow.word());
    assert!(server.log().contains("stuck"), "{}", server.log());
    write.await.unwrap().unwrap();
    drop(slow);
    is_ready_again(&server).await;
}

#[test]
fn a_read_only_directory_refuses_the_start() {
    let disk = Disk::of(1_024);
    fs::create_dir(disk.path().join("data")).unwrap();
    disk.make_read_only();
    let output = command()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(disk.path().join("data"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("cannot be opened"), "{complaint}");
}
