//! `image-tool-worker`: does the work of many web processes, on a machine of its own.
#![forbid(unsafe_code)]

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use common::{Clock, Stores, process, telemetry};
use config::Way;
use mimalloc::MiMalloc;
use tokio::net::TcpListener;
use worker::{Metrics, assemble, status};

/// Pictures come and go: the allocator of the system hands their memory back each time, and clearing it anew takes longer
/// than some of the work.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const HELP: &str = "\
image-tool-worker does the work that image-tool hands out through Redis.

  image-tool-worker           works until it is told to stop (SIGTERM)
  image-tool-worker health    exit code 0: the worker on this machine is ready for work

Settings are environment variables, above all REDIS_URL and STORAGE_URL: see docs/configuration.md.
";

fn say(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(),
        ["health"] => health(),
        ["--help" | "-h" | "help"] => say(HELP),
        ["--version" | "-V"] => say(concat!("image-tool-worker ", env!("CARGO_PKG_VERSION"), "\n")),
        _ => Err(anyhow::anyhow!("there is no such command\n\n{HELP}")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "error: {}", format!("{error:#}").trim_end());
            ExitCode::from(1)
        }
    }
}

fn health() -> anyhow::Result<()> {
    let address = process::settings(Way::Worker)?.metrics.address();
    process::ask_health(address).with_context(|| format!("http://{address}/health"))
}

#[tokio::main]
async fn run() -> anyhow::Result<()> {
    let config = process::settings(Way::Worker)?;
    telemetry::start(&config.logs.filter);
    let address = config.metrics.address();
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; set METRICS_PORT to another port"))?;
    let told = process::told_to_stop()?;
    let stores = Stores::of(&config, Clock::default()).await.context("cannot use REDIS_URL or STORAGE_URL")?.patient();
    let metrics = Metrics::default();
    let lanes = assemble(&config, &stores, metrics.clone()).await?;
    tracing::info!(status = %listener.local_addr()?, slots = config.queue.worker_concurrency, "working");
    tokio::select! {
        () = status::serve(listener, stores.clone(), metrics) => {}
        () = told.cancelled() => {}
    }
    lanes.stop(&stores.queue).await;
    stores.close().await;
    Ok(())
}
