//! How work is shared out.

use std::time::Duration;

use crate::{
    Surroundings,
    reader::{About, Reader},
};

const fn about(name: &'static str, meaning: &'static str) -> About {
    About { section: "Queue", name, meaning }
}

/// How work is shared out.
#[derive(Clone, Debug)]
pub struct Queue {
    /// How long a worker may stay silent before its jobs are given to another.
    pub lease: Duration,
    /// Pictures worked on at once.
    pub worker_concurrency: usize,
    /// Jobs that wait (for a disk or a network) at once.
    pub remote_concurrency: usize,
}

impl Queue {
    pub(crate) fn read(reader: &mut Reader<'_>, around: &Surroundings) -> Self {
        let lease = reader.integer(
            &about("QUEUE_LEASE_SECS", "How long a worker may stay silent before its jobs go to another."),
            30,
            1..=600,
            "seconds",
        );
        let cores = around.cores;
        let worker_concurrency = reader.parsed(
            &about("WORKER_CONCURRENCY", "Pictures worked on at once."),
            (cores, "the number of cores"),
            "1 to 256",
            |text| within(text, 256),
        );
        let remote_concurrency = reader.parsed(
            &about("REMOTE_CONCURRENCY", "Jobs that only wait for disks or networks, at once."),
            (32, "32"),
            "1 to 1024",
            |text| within(text, 1024),
        );
        Self { lease: Duration::from_secs(lease), worker_concurrency, remote_concurrency }
    }
}

fn within(text: &str, most: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(value) if (1..=most).contains(&value) => Ok(value),
        _ => Err(format!("\"{text}\" is not a whole number from 1 to {most}")),
    }
}
