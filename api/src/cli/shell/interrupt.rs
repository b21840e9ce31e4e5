//! Ctrl-C: what has been begun is finished, nothing more is begun.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::cli::say;

/// What a shell says of a program that Ctrl-C has ended.
const CODE: i32 = 130;

/// Whether somebody has pressed Ctrl-C.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. The second time ends the program at once.
    pub(super) fn listen(silent: bool) -> std::io::Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        let shared = asked.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("ctrl-c".into()).spawn(move || {
            runtime.block_on(async {
                if tokio::signal::ctrl_c().await.is_err() {
                    return;
                }
                shared.store(true, Ordering::Relaxed);
                if !silent {
                    say("stopping: the images that were begun are finished; Ctrl-C once more ends at once");
                }
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(CODE);
                }
            });
        })?;
        Ok(Self(asked))
    }

    /// Whether nothing more is to be begun.
    pub(super) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
