//! The log.

use std::sync::Arc;

use sip_dispatch::{Outcome, Reason};
use sip_message::HeaderId;
use tracing::Level;
use tracing_subscriber::EnvFilter;

use crate::config::LogSettings;
use crate::log_writer::LogWriter;
use crate::per_second::PerSecond;
use crate::show::Shown;

/// The log is written as long as this lives.
#[must_use]
pub(crate) struct Journal {
    writer: LogWriter,
    level: LogLevel,
}

/// Changes what is logged.
#[derive(Clone)]
pub(crate) struct LogLevel(Arc<dyn Fn(EnvFilter) + Send + Sync>);

impl LogLevel {
    /// From now on what `level` says is logged.
    pub(crate) fn set(&self, level: &str) {
        (self.0)(EnvFilter::new(level));
    }
}

impl Journal {
    pub(crate) fn level(&self) -> LogLevel {
        self.level.clone()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.writer.flush();
    }
}

/// Sends the log to standard error.
pub(crate) fn start(settings: &LogSettings) -> std::io::Result<Journal> {
    let filter = EnvFilter::new(&settings.level);
    let writer = LogWriter::start()?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer.clone()).with_target(false);
    // It fails only when there is no log any more.
    let level = if settings.json {
        let log = log.json().flatten_event(true).with_filter_reloading();
        let handle = log.reload_handle();
        log.init();
        LogLevel(Arc::new(move |filter| drop(handle.reload(filter))))
    } else {
        let log = log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).with_filter_reloading();
        let handle = log.reload_handle();
        log.init();
        LogLevel(Arc::new(move |filter| drop(handle.reload(filter))))
    };
    Ok(Journal { writer, level })
}

/// How many outcomes are logged in a second; a flood of refusals shall not become a flood of lines.
const LINES_PER_SECOND: u64 = 200;

/// Logs how requests ended: what was refused at `info`, everything else at `debug`.
#[derive(Debug)]
pub(crate) struct OutcomeLog(PerSecond);

impl Default for OutcomeLog {
    fn default() -> Self {
        Self(PerSecond::new(LINES_PER_SECOND))
    }
}

impl OutcomeLog {
    pub(crate) fn write(&self, outcome: &Outcome<'_>) {
        let refused = outcome.status.is_none_or(|status| status.code() >= 400) && !is_everyday(outcome.reason);
        let enabled = if refused { tracing::enabled!(Level::INFO) } else { tracing::enabled!(Level::DEBUG) };
        if !enabled {
            return;
        }
        let Some(left_out) = self.0.admits(outcome.now.at.seconds()) else { return };
        if left_out > 0 {
            tracing::warn!(left_out, "outcomes not logged: more than {LINES_PER_SECOND} in a second");
        }
        let message = outcome.message;
        // As strings, so that both formats put them in quotes and no value can look like the next field.
        let text = |id| Shown(message.value(id).unwrap_or_default()).to_string();
        macro_rules! log {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    reason = outcome.reason.code(),
                    status = outcome.status.map(|status| status.code()),
                    method = Shown(outcome.method.name()).to_string(),
                    to = text(HeaderId::To),
                    contact = text(HeaderId::Contact),
                    source = %outcome.peer.remote,
                    transport = outcome.peer.transport.name(),
                    user = outcome.identity.map(|identity| Shown(&identity.name).to_string()),
                    realm = outcome.identity.map(|identity| Shown(&identity.realm).to_string()),
                    call_id = text(HeaderId::CallId),
                    user_agent = text(HeaderId::UserAgent),
                    "{}",
                    outcome.reason.says()
                )
            };
        }
        if refused { log!(Level::INFO) } else { log!(Level::DEBUG) }
    }
}

/// Whether a refusal is part of every registration: phones are challenged before they prove anything, and again when
/// their nonce has become too old.
fn is_everyday(reason: Reason) -> bool {
    reason == sip_registrar::reason::NO_CREDENTIALS || reason == sip_registrar::reason::STALE_NONCE
}
