//! HTTP: listeners, who may do what, and the routes.

mod add;
mod addresses;
mod bind;
mod config;
mod error;
mod flows;
mod guard;
mod health;
mod openapi;
mod reasons;
mod serving;
mod stream;
mod tokens;

pub use bind::{BindError, Listen};
pub use serving::{Admin, Serving};
pub use tokens::{Scope, Token, TokenError};

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::{delete, get, post};
use axum::{Json, Router, middleware};
use registrar_api as api;
use sip_registrar::{LocationService, Registrar};
use sip_transport::Clock;
use tokio::sync::watch;

use crate::metrics::page;
use crate::webhook::Tally;
use crate::{EventLog, History, Measured, Meters, Webhook};
use error::Failed;
use guard::{Door, guard};

/// What the API is made of.
#[derive(Clone)]
pub struct Handles {
    /// Gives the registrar as it is now, which removes bindings and tells its observers.
    pub registrar: Arc<dyn Fn() -> Registrar + Send + Sync>,
    /// The table.
    pub location: Arc<dyn LocationService>,
    /// How the last requests ended.
    pub history: Arc<History>,
    /// What is counted.
    pub meters: Arc<Meters>,
    /// What happens.
    pub events: Arc<EventLog>,
    /// The program around it.
    pub control: Arc<dyn Control>,
    /// Ends connections.
    pub connections: sip_transport::Control,
    /// The clock of the table.
    pub clock: Clock,
}

/// What the program around it tells and does.
pub trait Control: Send + Sync {
    /// How it is.
    fn status(&self) -> api::Status;
    /// What it has measured.
    fn measured(&self) -> Measured;
    /// How many workers have done nothing since it was asked before, at least half a second ago.
    fn stuck_workers(&self) -> usize;
    /// Reads the configuration again, and puts in force what can be changed; takes its time.
    ///
    /// # Errors
    /// Everything that is wrong with it; nothing has changed then.
    fn reload(&self) -> Result<api::Reloaded, Vec<api::Problem>>;
    /// The settings in force, and where each comes from. No secrets.
    fn effective(&self) -> api::Effective;
    /// Answers what has arrived, and stops.
    fn drain(&self);
}

/// Where it listens, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdminConfig {
    /// The listeners.
    pub listen: Vec<Listen>,
    /// What those on TCP ask for; none: whoever reaches them may do everything.
    pub tokens: Vec<Token>,
    /// Who is told of events.
    pub webhooks: Vec<Webhook>,
}

impl App {
    /// The registrar as it is now.
    fn registrar(&self) -> Registrar {
        (self.handles.registrar)()
    }
}

#[derive(Clone)]
struct App {
    handles: Handles,
    webhooks: Arc<[Tally]>,
    /// Becomes true when it stops: streams end then.
    stopping: watch::Receiver<bool>,
}

impl App {
    /// How the registrar is, and those who are told of events.
    fn status(&self) -> api::Status {
        let next = self.handles.events.next();
        let webhooks = self.webhooks.iter().map(|tally| tally.tell(next)).collect();
        api::Status { webhooks, ..self.handles.control.status() }
    }
}

/// The routes, behind this door.
fn router(app: App, door: Arc<Door>) -> Router {
    let v1 = Router::new()
        .route("/status", get(status))
        .route("/aors", get(addresses::list))
        .route("/aors/{aor}", get(addresses::one))
        .route("/aors/{aor}/why", get(addresses::why))
        .route(
            "/aors/{aor}/bindings",
            delete(addresses::remove).post(add::add).layer(DefaultBodyLimit::max(add::MAX_BODY)),
        )
        .route("/flows/{flow}", delete(flows::kick))
        .route("/refusals", get(refusals))
        .route("/reasons", get(reasons::all))
        .route("/events", get(stream::events))
        .route("/config", get(config::effective))
        .route("/reload", post(config::reload))
        .route("/drain", post(drain))
        .route("/openapi.json", get(openapi::document));
    Router::new()
        .nest("/api/v1", v1)
        .route("/metrics", get(metrics))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(async || Failed::not_found("no-such-path", "there is nothing at this path"))
        .method_not_allowed_fallback(async || {
            Failed::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path has no such method")
        })
        .layer(middleware::from_fn_with_state(door, guard))
        .with_state(app)
}

/// The routes while there is nothing to show yet.
fn early(door: Arc<Door>) -> Router {
    let loading =
        async || Failed::new(StatusCode::SERVICE_UNAVAILABLE, "loading", "the table is being loaded: ask again soon");
    Router::new()
        .route("/healthz", get(health::lives))
        .route("/readyz", get(health::loads))
        .fallback(loading)
        .layer(middleware::from_fn_with_state(door, guard))
}

async fn status(State(app): State<App>) -> Json<api::Status> {
    Json(app.status())
}

async fn refusals(State(app): State<App>) -> Json<Vec<api::Outcome>> {
    Json(app.handles.history.refusals())
}

/// Prometheus' text format.
async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    let Handles { control, meters, .. } = &app.handles;
    let text = page(meters, &app.status(), &control.measured());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text)
}

async fn drain(State(app): State<App>) -> StatusCode {
    app.handles.control.drain();
    StatusCode::ACCEPTED
}
