//! `registrar load`.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use registrar_client::load::{self, LoadError, Login, Plan, Progress};

use super::probe::{address, destination};
use super::{json, look, password};
use crate::Failure;
use crate::cli::LoadArgs;
use crate::say::print;

pub(super) async fn load(args: &LoadArgs) -> Result<(), Failure> {
    let (to, roots) = destination(&args.destination)?;
    let (user, domain) = address(&args.user, &to)?;
    let password = password::given(&args.account)?;
    let login = password.map(|password| Login { name: args.account.auth_user.clone(), password });
    let plan = Plan {
        to,
        roots,
        domain,
        user,
        users: args.users,
        login,
        rate: args.rate,
        duration: args.duration,
        churn: args.churn,
        expires: args.expires,
        patience: args.timeout,
        connections: args.connections,
        keep: args.keep,
    };
    let bar = bar(args.duration);
    let told = |progress: Progress| {
        bar.set_position(millis(progress.elapsed.min(args.duration)));
        let Progress { started, done, failed, .. } = progress;
        bar.set_message(format!("{started} started, {done} done, {failed} not"));
    };
    let stop = async {
        // Without a signal handler it ends as any program does.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let report = load::load(&plan, stop, told).await;
    bar.finish_and_clear();
    let report = report.map_err(|error| {
        let text = format!("error: {error}");
        match error {
            LoadError::NoAddress { .. } => Failure::NoAddress(text),
            LoadError::Unreachable { .. } => Failure::Machine(text),
            _ => Failure::Settings(text),
        }
    })?;
    print(&if args.json { json(&report)? } else { report.text(look()) })?;
    // What is wrong has been said.
    if !report.wrong.is_empty() {
        Err(Failure::Data(String::new()))
    } else if report.started > 0 && report.done + report.refused == 0 {
        Err(Failure::Machine("error: nobody answers".to_owned()))
    } else {
        Ok(())
    }
}

/// How far it is, on standard error where that is a terminal.
fn bar(duration: Duration) -> ProgressBar {
    let bar = ProgressBar::new(millis(duration));
    // A template that cannot be read leaves the bar as it is by default.
    if let Ok(style) = ProgressStyle::with_template("[{bar:40}] {elapsed} {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
