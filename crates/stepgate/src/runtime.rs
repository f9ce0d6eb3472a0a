//! The threads that serve requests.

use std::thread;

use tokio::runtime::{Builder, Runtime};

/// One thread more than there are cores: the one task that writes to the embedded store waits for the
/// disk on its thread. Meanwhile the others keep the cores busy.
pub(crate) fn start() -> std::io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Builder::new_multi_thread()
        .worker_threads(cores + 1)
        .enable_all()
        .build()
}
