//! A redis-server of a test's own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::wait_until;

/// A redis-server behind a socket of its own, which writes every change to disk before it answers.
pub(crate) struct RedisServer {
    child: Child,
    folder: PathBuf,
    pub(crate) url: String,
}

impl RedisServer {
    /// `None`, said loudly, where redis-server is not installed.
    #[expect(clippy::print_stdout, reason = "whoever reads the tests' output must not take this for a pass")]
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let url = format!("redis+unix://{}", folder.join("redis.sock").display());
        match Self::spawn(folder) {
            Ok(child) => Some(Self { child, folder: folder.to_owned(), url }),
            Err(_) => {
                println!("SKIPPED: redis-server is not installed, so many machines were not tested");
                None
            }
        }
    }

    fn spawn(folder: &Path) -> std::io::Result<Child> {
        let socket = folder.join("redis.sock");
        let _ = std::fs::remove_file(&socket);
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "always"])
            .args(["--maxmemory-policy", "noeviction", "--enable-debug-command", "yes", "--unixsocket"])
            .arg(&socket)
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()?;
        wait_until("redis-server listens", || socket.exists());
        Ok(child)
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as an operator does.
    pub(crate) fn shut_down(&mut self) {
        self.command(&["SHUTDOWN"]);
        self.child.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.child = Self::spawn(&self.folder).unwrap();
    }

    /// Holds it up: it answers nobody for so long.
    pub(crate) fn stall(&self, seconds: f64) {
        assert_eq!(self.command(&["DEBUG", "SLEEP", &seconds.to_string()]), "OK");
    }

    /// Sends one command, as `redis-cli` does.
    fn command(&self, words: &[&str]) -> String {
        let socket = self.folder.join("redis.sock");
        let output = Command::new("redis-cli").arg("-s").arg(socket).args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
