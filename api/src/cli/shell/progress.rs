//! How far a shell batch is: a bar on a terminal, plain lines otherwise, nothing with `--json`.

use std::{
    io::IsTerminal,
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::say;

/// How far it is.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines { total: u64, state: Mutex<Lines> },
    Silent,
}

pub(super) struct Lines {
    done: u64,
    started: Instant,
    told: Instant,
}

impl Progress {
    /// Progress over `total` images.
    pub(super) fn start(total: u64, silent: bool) -> Self {
        if silent {
            return Self::Silent;
        }
        if !std::io::stderr().is_terminal() {
            let now = Instant::now();
            return Self::Lines { total, state: Mutex::new(Lines { done: 0, started: now, told: now }) };
        }
        let bar = ProgressBar::new(total);
        let template = "{bar:30} {pos}/{len}  {per_sec}  {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self::Bar(bar)
    }

    /// One more image is through.
    pub(super) fn step(&self) {
        match self {
            Self::Bar(bar) => bar.inc(1),
            Self::Silent => {}
            Self::Lines { total, state } => {
                let mut lines = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                lines.done += 1;
                if lines.told.elapsed() >= Duration::from_secs(5) {
                    lines.told = Instant::now();
                    say(&lines.text(*total));
                }
            }
        }
    }

    /// A line that stays, such as a failed image.
    pub(super) fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.println(text),
            Self::Lines { .. } => say(text),
            Self::Silent => {}
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Lines {
    #[expect(clippy::cast_precision_loss, reason = "counts of images are far below 2^52")]
    fn text(&self, total: u64) -> String {
        let rate = self.done as f64 / self.started.elapsed().as_secs_f64().max(0.001);
        let left = total.saturating_sub(self.done) as f64 / rate.max(0.001);
        format!("{}/{total}  {rate:.1} images/s  {left:.0} s left", self.done)
    }
}
