//! The image engine: bytes in, bytes out, synchronous and bounded.
//!
//! Way of a job: [`probe`] reads the header, [`limits`] and [`plan`] refuse what is too large before a pixel is
//! allocated, [`budget`] keeps all jobs within the memory, [`codec`] decodes, [`pipeline`] runs the stages,
//! [`codec`] encodes. Only [`bridge`] knows of async. Every job is sequential: a parallel iterator inside a job would
//! let its thread pick up another job in the middle of the first.

pub(crate) mod analyze;
mod animation;
mod blocks;
mod bridge;
mod budget;
mod codec;
pub(crate) mod compare;
mod contact;
#[cfg(test)]
mod every_format;
#[cfg(test)]
pub(crate) mod fixtures;
mod foreign;
mod gauss;
mod goal;
#[cfg(test)]
mod hostile;
mod inspect;
mod lettering;
mod level;
mod limits;
mod look;
mod mask;
mod metadata;
mod orient;
mod others;
mod picture;
mod pipeline;
mod pixels;
mod plan;
mod planes;
mod polygon;
mod preview;
mod probe;
mod saliency;
mod sheet;
mod shortcut;
mod sniff;
mod ssim;
mod step;
mod stop;
mod upright;
mod window;
mod ycbcr;

use std::sync::Arc;

use common::{Facts, Failure, Format, Warning, report::Report};

pub(crate) use self::{
    budget::Budget,
    limits::Size,
    pixels::{flatten, visible_light},
    step::resize::{bilinear, inside as fit_inside},
};
pub use self::{
    contact::{Cell, ContactSheet},
    limits::Limits,
    preview::{Preview, PreviewKind},
    probe::{ColorKind, Probe},
    stop::Stop,
};

/// The engine: its limits, its threads and its memory budget. Clones share them.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    limits: Limits,
    pool: rayon::ThreadPool,
    budget: budget::Budget,
}

/// How a transformation behaves beside its recipe.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Options {
    /// A damaged or truncated file is an error instead of a warning.
    pub strict: bool,
    /// The small picture that goes along with the result.
    pub preview: PreviewKind,
}

/// What a picture was before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Before {
    /// Pixels, after orientation.
    pub width: u32,
    /// Pixels, after orientation.
    pub height: u32,
    /// The format, told by content.
    pub format: Format,
    /// Size of the file.
    pub bytes: u64,
}

/// What a transformation made.
#[derive(Clone, Debug)]
pub struct Transformed {
    /// The encoded result.
    pub bytes: Vec<u8>,
    /// Facts of the result.
    pub facts: Facts,
    /// The input.
    pub before: Before,
    /// One short line for each thing that was really done.
    pub applied: Vec<String>,
    /// What was asked for and had no effect, with the reason.
    pub ignored: Vec<String>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// The small picture, where asked for.
    pub preview: Option<Preview>,
}

/// What is known of a picture.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Facts of the file.
    pub facts: Facts,
    /// The sections asked for.
    pub report: Report,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
    /// The small picture, where asked for.
    pub preview: Option<Preview>,
}

impl Engine {
    /// An engine with its own threads.
    ///
    /// # Errors
    /// `internal` where the threads cannot be started.
    pub fn new(limits: Limits) -> Result<Self, Failure> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(limits.threads.max(1))
            .thread_name(|index| format!("pixels-{index}"))
            .build()
            .map_err(|error| Failure::internal(&error))?;
        let budget = budget::Budget::new(limits.max_memory_bytes);
        Ok(Self { inner: Arc::new(Inner { limits, pool, budget }) })
    }

    /// What jobs may use at most.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Reads the header: format, size, orientation, colours. No pixel is decoded.
    ///
    /// # Errors
    /// `unsupported_format`, `image_unreadable`, or `too_large`.
    pub fn probe(&self, input: &[u8]) -> Result<Probe, Failure> {
        Ok(probe::read(input, self.limits())?.probe)
    }

    fn pool(&self) -> &rayon::ThreadPool {
        &self.inner.pool
    }

    fn budget(&self) -> &budget::Budget {
        &self.inner.budget
    }
}

/// Whether a file that begins with `head` is of a format that can be read.
#[must_use]
pub fn is_picture(head: &[u8]) -> bool {
    sniff::known(head).is_some()
}
