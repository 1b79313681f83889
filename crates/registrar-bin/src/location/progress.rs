//! How far something has come, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use location_durable::Progress;

/// A line on standard error that is redrawn; nothing at all where that is no terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Of so many bytes, if that is known; 0 if it will be.
    pub(super) fn bytes(what: &'static str, of: Option<u64>) -> Self {
        let known = "{msg} [{bar:40}] {bytes} of {total_bytes}, {eta} left";
        Self::new(what, of, if of.is_some() { known } else { "{msg} {bytes}" })
    }

    /// Of so many things.
    pub(super) fn things(what: &'static str, of: usize) -> Self {
        Self::new(what, Some(number(of)), "{msg} [{bar:40}] {human_pos} of {human_len}, {eta} left")
    }

    fn new(what: &'static str, of: Option<u64>, template: &str) -> Self {
        let bar = of.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        // A template that cannot be read leaves the bar as it is by default.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(super) fn add(&self, n: usize) {
        self.0.inc(number(n));
    }

    /// Of a table that is loaded.
    pub(super) fn set(&self, progress: Progress) {
        self.0.set_length(progress.of);
        self.0.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
