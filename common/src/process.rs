//! What both programs are to the machine they run on: their settings, when to stop, and whether one is well.

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    time::Duration,
};

use config::{Config, Mistakes, Surroundings, Way};
use tokio_util::sync::CancellationToken;

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The folder the process was started in is gone.
    #[error("the folder this was started in: {0}")]
    Folder(#[from] io::Error),
    /// Some are wrong.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

/// Reads every setting for a program started as `way`.
///
/// # Errors
/// If any is wrong.
pub fn settings(way: Way) -> Result<Config, SettingsError> {
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let home_dir = env::home_dir();
    let around = Surroundings {
        way,
        start_dir: env::current_dir()?,
        data_home: data_home(&environment, home_dir.as_ref()),
        home_dir,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        read_file: |path| std::fs::read_to_string(path),
    };
    Ok(Config::read(&environment, &around)?)
}

/// Where programs keep their data: XDG Base Directory on Unix, Application Support on macOS, LOCALAPPDATA on Windows.
fn data_home(environment: &BTreeMap<String, String>, home: Option<&PathBuf>) -> PathBuf {
    let set = |name: &str| environment.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = home.cloned().unwrap_or_default();
    let base = if cfg!(windows) {
        set("LOCALAPPDATA").unwrap_or(home)
    } else if cfg!(target_os = "macos") {
        home.join("Library/Application Support")
    } else {
        set("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"))
    };
    base.join("image-tool")
}

/// Cancelled by the first SIGINT or SIGTERM; a second one ends the process at once. Must be called within a Tokio runtime.
///
/// # Errors
/// If the system lets nobody listen for signals.
pub fn told_to_stop() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let told = token.clone();
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut stop = async || {
            #[cfg(unix)]
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
        };
        stop().await;
        tracing::info!("stopping; jobs that are running come to an end");
        told.cancel();
        stop().await;
        std::process::exit(1);
    });
    Ok(token)
}

/// Asks a program of this machine for its `/health`; `Ok` if it is well. For a probe inside a container, where nothing
/// else is installed that could ask.
///
/// # Errors
/// If nobody answers at `address` (that of any interface counts as loopback), or it says that it is not well.
pub fn ask_health(mut address: SocketAddr) -> io::Result<()> {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    let mut stream = TcpStream::connect_timeout(&address, PROBE)?;
    stream.set_read_timeout(Some(PROBE))?;
    write!(stream, "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut status = String::new();
    BufReader::new(stream).take(256).read_line(&mut status)?;
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(format!("not well: {}", status.trim()))),
    }
}

/// How long a probe waits.
const PROBE: Duration = Duration::from_secs(4);
