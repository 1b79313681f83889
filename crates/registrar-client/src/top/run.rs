//! The terminal.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::{Model, Sample, draw};
use crate::view::Look;
use crate::{Client, Error};

/// Why it could not be shown, or not any longer.
#[derive(Debug, thiserror::Error)]
pub enum TopError {
    /// The registrar cannot be asked.
    #[error(transparent)]
    Api(#[from] Error),
    /// There is no terminal, or it cannot be used.
    #[error(transparent)]
    Terminal(#[from] io::Error),
}

/// Shows it until `q`, Escape or Ctrl-C is typed, or a signal asks for the end. The terminal is then as it was before, after
/// a panic too. Once it is shown, a registrar that does not answer is waited for.
///
/// # Errors
/// There is no terminal, or the registrar cannot be asked at the beginning.
pub async fn run(
    client: &Client,
    every: Duration,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<(), TopError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(io::Error::other("standard input and output are none").into());
    }
    let start = Instant::now();
    let mut model = Model::new(client.target().to_string(), Sample::take(client, start.elapsed()).await?);
    let colours = Look::of_stdout(variable, true).colours;
    let (mut term, mut hup) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    let mut int = signal(SignalKind::interrupt())?;
    let mut screen = Screen::open()?;
    let mut typed = keyboard();
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is at once.
    tick.tick().await;
    loop {
        screen.0.draw(|frame| draw(frame, &model, colours))?;
        tokio::select! {
            key = typed.recv() => match key {
                Some(Typed::End) | None => return Ok(()),
                Some(Typed::Resized) => {}
            },
            _ = tick.tick() => {
                let sample = Sample::take(client, start.elapsed()).await;
                model.next(sample.map_err(|error| error.to_string()));
            }
            _ = term.recv() => return Ok(()),
            _ = hup.recv() => return Ok(()),
            _ = int.recv() => return Ok(()),
        }
    }
}

/// A terminal that shows a screen of ours, until this is dropped.
struct Screen(DefaultTerminal);

impl Screen {
    /// A panic restores the terminal as well.
    fn open() -> io::Result<Self> {
        ratatui::try_init().map(Self)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

enum Typed {
    End,
    Resized,
}

/// A thread that waits for keys. It ends soon after nobody waits for it any more.
fn keyboard() -> mpsc::Receiver<Typed> {
    let (typed, received) = mpsc::channel(16);
    std::thread::spawn(move || {
        while !typed.is_closed() {
            let told = match event::poll(Duration::from_millis(100)) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let told = match told {
                Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => {
                    let is_ctrl_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                    let ends = is_ctrl_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc);
                    if ends { Typed::End } else { continue }
                }
                Ok(Event::Resize(..)) => Typed::Resized,
                Ok(_) => continue,
                // The terminal is gone.
                Err(_) => Typed::End,
            };
            if typed.blocking_send(told).is_err() {
                return;
            }
        }
    });
    received
}
