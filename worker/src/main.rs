//! `image-tool-worker`: does the work of many web processes, on a machine of its own.
#![forbid(unsafe_code)]

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use common::{Clock, Stores, process, telemetry};
use config::Way;
use tokio::net::TcpListener;
use worker::{Metrics, assemble, status};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(),
        ["health"] => health(),
        _ => Err(anyhow::anyhow!(
            "image-tool-worker takes no arguments but: health (exit code 0: the worker here is well)"
        )),
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
