//! The birth of an installation: credentials come before what they open, and a start checks what it
//! will need.

use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use stepgate_client::worker_token;
use tempfile::TempDir;

use crate::support::{Credentials, Disk, Server, command};

const PATIENCE: Duration = Duration::from_secs(30);
const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

/// A directory for data, of which nothing is there yet.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn init(&self) -> Command {
        let mut command = command();
        command.args(["init", "--json", "--data"]).arg(self.data());
        command.stdin(Stdio::null());
        command
    }

    fn initialized() -> (Self, Credentials) {
        let place = Self::new();
        let output = place.init().output().unwrap();
        assert!(output.status.success());
        let json = serde_json::from_slice(&output.stdout).unwrap();
        (place, Credentials::parse(&json))
    }

    /// What `serve` says when it refuses to start, which it must.
    async fn refusal(&self) -> String {
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        let (status, complaint) = end_of(serve.arg(self.data())).await;
        assert!(!status.success(), "{complaint}");
        complaint
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.data().join(name)).unwrap();
    }

    fn has(&self, name: &str) -> bool {
        self.data().join(name).exists()
    }
}

/// How a process ends that must end by itself, and what it complains of.
async fn end_of(command: &mut Command) -> (ExitStatus, String) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = ended(&mut child).await;
    let mut complaint = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut complaint).unwrap();
    (status, complaint)
}

async fn ended(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(10));
    while start.elapsed() < PATIENCE {
        pause.tick().await;
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
    }
    child.kill().unwrap();
    panic!("the process went on");
}

async fn opens(server: &Server, credentials: &Credentials) {
    let client = server.client();
    let Credentials {
        environment,
        client_id,
        client_secret,
        ..
    } = credentials;
    worker_token(&client, environment, client_id, client_secret)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_that_does_not_open_the_database_refuses_the_start() {
    let (place, credentials) = Place::initialized();
    let key = place.data().join("master.key");
    let right = fs::read_to_string(&key).unwrap();
    fs::write(&key, KEY).unwrap();
    let complaint = place.refusal().await;
    assert!(
        complaint.contains("does not open the database"),
        "{complaint}"
    );

    fs::write(&key, right).unwrap();
    opens(&Server::start_on(place.0).await, &credentials).await;
}

#[tokio::test]
async fn a_missing_key_beside_a_database_refuses_the_start_and_no_new_one_is_made() {
    let (place, _) = Place::initialized();
    place.remove("master.key");
    let complaint = place.refusal().await;
    assert!(complaint.contains("master.key is missing"), "{complaint}");
    assert!(!place.has("master.key"));
}

#[tokio::test]
async fn an_empty_key_says_so() {
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    File::create(place.data().join("master.key")).unwrap();
    let complaint = place.refusal().await;
    assert!(complaint.contains("master.key: is empty"), "{complaint}");
}

#[tokio::test]
async fn a_key_made_by_hand_is_no_installation() {
    let place = Place::new();
    fs::create_dir(place.data()).unwrap();
    fs::write(place.data().join("master.key"), KEY).unwrap();
    let server = Server::start_on(place.0).await;
    opens(&server, &server.credentials()).await;
}

#[tokio::test]
async fn a_database_that_is_gone_refuses_the_start_and_no_new_one_is_made() {
    let mut server = Server::start().await;
    assert_eq!(server.stop().await, Some(0));
    let place = Place(server.into_directory());
    let before = fs::read_to_string(place.data().join("first-run.json")).unwrap();

    // Gone, emptied, or begun anew.
    for make_it_gone in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| drop(File::create(path).unwrap()),
        |path: &Path| {
            let other = Place::new();
            fs::create_dir(other.data()).unwrap();
            fs::write(other.data().join("master.key"), "too short").unwrap();
            let refused = other.init().output().unwrap();
            assert!(!refused.status.success());
            fs::copy(other.data().join("stepgate.db"), path).unwrap();
        },
    ] {
        let database = place.data().join("stepgate.db");
        make_it_gone(&database);
        let size = |path: &Path| path.metadata().map_or(0, |file| file.len());
        let was = size(&database);
        let complaint = place.refusal().await;
        assert!(complaint.contains("but not its database"), "{complaint}");
        assert_eq!(size(&database), was);
        let output = place.init().output().unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        let kept = fs::read_to_string(place.data().join("first-run.json")).unwrap();
        assert_eq!(kept, before);
    }
}

/// Standard outputs that keep nothing.
fn useless_outputs() -> Vec<(&'static str, Stdio)> {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("output");
    fs::write(&path, "").unwrap();
    vec![
        ("a full device", full().into()),
        ("a pipe without a reader", writer.into()),
        (
            "a file that cannot be written",
            File::open(path).unwrap().into(),
        ),
        ("nowhere", Stdio::null()),
    ]
}

#[test]
fn credentials_that_cannot_be_written_make_no_installation() {
    let place = Place::new();
    for (name, output) in useless_outputs() {
        let refused = place.init().stdout(output).output().unwrap();
        assert!(!refused.status.success(), "{name}");
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert!(complaint.contains("nothing was initialized"), "{complaint}");
    }
    let closed = Command::new("sh")
        .args(["-c", "exec \"$0\" init --json --data \"$1\" >&-"])
        .arg(env!("CARGO_BIN_EXE_stepgate"))
        .arg(place.data())
        .output()
        .unwrap();
    assert!(!closed.status.success());

    // As if nothing had been tried.
    let output = place.init().output().unwrap();
    assert!(output.status.success());
    assert!(!output.stdout.is_empty());
}

#[test]
fn every_output_with_a_secret_fails_on_a_full_device() {
    let secret = "stepgate.contract-test_secret~0123456789abcdefghijklmnopqrstuvwx";
    let hint = [
        "hint-token",
        "--client-id",
        "c",
        "--subject",
        "s",
        "--audience",
        "a",
    ];
    for arguments in [&hint[..], &["demo"]] {
        for (name, output) in useless_outputs() {
            // A person who looks at the demo's first lines only has seen enough.
            if arguments == ["demo"] && name != "a full device" {
                continue;
            }
            let mut command = command();
            command
                .args(arguments)
                .env("STEPGATE_CLIENT_SECRET", secret);
            let status = command
                .stdin(Stdio::null())
                .stdout(output)
                .output()
                .unwrap()
                .status;
            assert_eq!(status.code(), Some(1), "{arguments:?} into {name}");
        }
    }
}

#[tokio::test]
async fn a_start_that_was_killed_before_its_file_had_a_name_is_finished_by_the_next() {
    let mut server = Server::start().await;
    let credentials = server.credentials();
    assert_eq!(server.stop().await, Some(0));
    let data = server.data();
    fs::rename(data.join("first-run.json"), data.join("first-run.json.new")).unwrap();

    let server = Server::start_on(server.into_directory()).await;
    assert_eq!(
        server.credentials().client_secret,
        credentials.client_secret
    );
    opens(&server, &credentials).await;
}

#[tokio::test]
async fn credentials_that_never_came_true_are_not_kept() {
    let (place, credentials) = Place::initialized();
    let other = Place::new();
    let output = other.init().output().unwrap();
    fs::write(place.data().join("first-run.json.new"), output.stdout).unwrap();

    let server = Server::start_on(place.0).await;
    assert!(!server.data().join("first-run.json").exists());
    assert!(!server.data().join("first-run.json.new").exists());
    opens(&server, &credentials).await;
}

#[tokio::test]
async fn a_first_start_on_a_disk_of_any_size_leaves_nothing_that_needs_a_hand() {
    // From no room for the first page to nearly enough for all.
    for kilobytes in [4, 8, 12, 40, 120, 240, 320, 360, 400, 440, 480, 640] {
        let disk = Disk::of(kilobytes);
        let directory = disk.path();
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        serve.arg(directory.join("data"));
        let mut child = serve
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It ends by itself, or has written its credentials.
        let start = Instant::now();
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        while child.try_wait().unwrap().is_none() && !directory.join("data/first-run.json").exists()
        {
            assert!(start.elapsed() < PATIENCE);
            pause.tick().await;
        }
        let _ = child.kill();
        child.wait().unwrap();

        disk.grow();
        let server = Server::start_on(disk.place()).await;
        opens(&server, &server.credentials()).await;
    }
}

#[tokio::test]
async fn what_every_user_of_the_machine_may_read_is_warned_of_or_refused() {
    let mut server = Server::start().await;
    assert_eq!(server.stop().await, Some(0));
    assert!(!server.log().contains("every user of this machine"));
    let data = server.data();
    for name in ["", "master.key", "first-run.json"] {
        let path = data.join(name);
        let mode = path.metadata().unwrap().permissions().mode();
        fs::set_permissions(&path, PermissionsExt::from_mode(mode | 0o005)).unwrap();
    }
    let mut server = Server::start_on(server.into_directory()).await;
    assert_eq!(server.stop().await, Some(0));
    let warnings = server.log().matches("every user of this machine").count();
    assert_eq!(warnings, 3, "{}", server.log());
}

#[tokio::test]
async fn first_credentials_left_in_a_production_directory_are_warned_of_at_every_start() {
    let place = Place::new();
    let key = place.0.path().join("key");
    fs::write(&key, KEY).unwrap();
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    let address = place.0.path().join("address");
    for is_left in [true, true, false] {
        if !is_left {
            place.remove("first-run.json");
        }
        let mut serve = command();
        serve.args(["serve", "--listen", "127.0.0.1:0", "--mode", "production"]);
        serve.args(["--public-url", "https://id.example.com", "--data"]);
        serve.arg(place.data()).arg("--master-key-file").arg(&key);
        serve.arg("--address-file").arg(&address);
        let mut child = serve
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let mut pause = tokio::time::interval(Duration::from_millis(10));
        while !address.exists() {
            assert!(start.elapsed() < PATIENCE);
            pause.tick().await;
        }
        fs::remove_file(&address).unwrap();
        child.kill().unwrap();
        let log = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        let warned = log.contains("organization administrator's secret in clear");
        assert_eq!(warned, is_left, "{log}");
    }
}
