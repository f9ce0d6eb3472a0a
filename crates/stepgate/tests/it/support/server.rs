//! The built binary as a child process on a port that the system chose.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use stepgate_client::{Client, Request};
use tempfile::TempDir;

use super::Credentials;

const PATIENCE: Duration = Duration::from_secs(30);
/// The arguments of most servers.
const ORDINARY: &[&str] = &["--inbox", "--log", "info"];

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepgate"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("STEPGATE_") {
            command.env_remove(name);
        }
    }
    command
}

/// A running server and its directory; both end with the value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    directory: TempDir,
    address: String,
}

impl Server {
    /// Starts on an empty data directory.
    pub(crate) async fn start() -> Self {
        Self::start_logging("info").await
    }

    /// Starts on what `init` made with these arguments, which told the credentials.
    pub(crate) async fn initialized(arguments: &[&str]) -> (Self, Credentials) {
        let directory = tempfile::tempdir().unwrap();
        let init = command()
            .args(["init", "--json", "--data"])
            .arg(directory.path().join("data"))
            .args(arguments)
            .output()
            .unwrap();
        let told = serde_json::from_slice(&init.stdout).unwrap();
        let server = Self::start_in(directory, "127.0.0.1:0", ORDINARY).await;
        (server, Credentials::parse(&told))
    }

    pub(crate) async fn start_logging(filter: &str) -> Self {
        Self::start_with(&["--inbox", "--log", filter]).await
    }

    /// Starts on an empty data directory with these arguments.
    pub(crate) async fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), "127.0.0.1:0", arguments).await
    }

    /// Starts on the directory's `data`.
    pub(crate) async fn start_on(directory: TempDir) -> Self {
        Self::start_in(directory, "127.0.0.1:0", ORDINARY).await
    }

    async fn start_in(directory: TempDir, listen: &str, arguments: &[&str]) -> Self {
        Self::start_by(command(), directory, listen, arguments, true).await
    }

    /// Starts where a shell has said this first.
    pub(crate) async fn start_under(said: &str) -> Self {
        let mut shell = Command::new("sh");
        let script = format!("{said} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_stepgate")]);
        let directory = tempfile::tempdir().unwrap();
        Self::start_by(shell, directory, "127.0.0.1:0", ORDINARY, true).await
    }

    /// Starts without asking whether it is ready: its certificate must be trusted first.
    pub(crate) async fn start_unasked(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_by(command(), directory, "127.0.0.1:0", arguments, false).await
    }

    async fn start_by(
        mut command: Command,
        directory: TempDir,
        listen: &str,
        arguments: &[&str],
        is_asked: bool,
    ) -> Self {
        let address_file = directory.path().join("address");
        let _ = fs::remove_file(&address_file);
        let log_file = File::options()
            .create(true)
            .append(true)
            .open(directory.path().join("log"))
            .unwrap();
        let mut child = command
            .args(["serve", "--listen", listen])
            .args(arguments)
            .arg("--data")
            .arg(directory.path().join("data"))
            .arg("--address-file")
            .arg(&address_file)
            .stdin(Stdio::null())
            .stdout(log_file.try_clone().unwrap())
            .stderr(log_file)
            .spawn()
            .unwrap();
        let Some(address) = ready_at(&mut child, &address_file, is_asked).await else {
            let _ = child.kill();
            panic!(
                "the server did not get ready:\n{}",
                read(&directory.path().join("log"))
            );
        };
        Self {
            child,
            directory,
            address,
        }
    }

    /// Kills the process as a power cut would, without a word to it (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process to end, as an operator would (SIGTERM), and answers its exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        self.terminate();
        let start = Instant::now();
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        while start.elapsed() < PATIENCE {
            pause.tick().await;
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
        }
        panic!("the server did not stop:\n{}", self.log());
    }

    /// SIGTERM, and no waiting.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.process().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Starts again on the same data and port, so that issuers and links stay what they were.
    pub(crate) async fn restart(mut self) -> Self {
        self.kill();
        let address = self.address.clone();
        Self::start_in(self.into_directory(), &address, ORDINARY).await
    }

    /// The directory, without a server.
    pub(crate) fn into_directory(mut self) -> TempDir {
        self.kill();
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(format!("http://{}", self.address)).unwrap()
    }

    /// The first listener's.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let written = read(&self.directory.path().join("address"));
        written.lines().map(str::to_owned).collect()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// What the first start on the directory wrote down.
    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::parse(
            &serde_json::from_str(&read(&self.data().join("first-run.json"))).unwrap(),
        )
    }

    /// All that was written to standard output and standard error so far.
    pub(crate) fn log(&self) -> String {
        read(&self.directory.path().join("log"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The first address, once `/readyz` answers 200 there, if it is asked; `None` when the process ends or
/// takes too long.
async fn ready_at(child: &mut Child, address_file: &Path, is_asked: bool) -> Option<String> {
    let start = Instant::now();
    let mut pause = tokio::time::interval(Duration::from_millis(5));
    while start.elapsed() < PATIENCE && child.try_wait().unwrap().is_none() {
        pause.tick().await;
        let Ok(addresses) = fs::read_to_string(address_file) else {
            continue;
        };
        let address = addresses.lines().next()?.to_owned();
        if !is_asked {
            return Some(address);
        }
        let client = Client::new(format!("http://{address}")).unwrap();
        if client
            .send(&Request::get("/readyz"))
            .await
            .is_ok_and(|answer| answer.status == 200)
        {
            return Some(address);
        }
    }
    None
}
