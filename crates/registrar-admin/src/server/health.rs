//! Whether it lives, and whether it serves, for those who start it and those who send it phones.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use registrar_api as api;

use super::App;

/// The process answers: it loads its table.
pub(super) async fn lives() -> Response {
    said(StatusCode::OK, "ok\n")
}

/// No phone may come before the table is loaded.
pub(super) async fn loads() -> Response {
    said(StatusCode::SERVICE_UNAVAILABLE, "loading\n")
}

/// The process answers, and no worker stands still.
pub(super) async fn alive(State(app): State<App>) -> Response {
    let stuck = app.handles.control.stuck_workers();
    if stuck == 0 {
        said(StatusCode::OK, "ok\n")
    } else {
        said(StatusCode::SERVICE_UNAVAILABLE, "a worker stands still\n")
    }
}

/// Phones may come: it serves, does not drain, and what they change is kept.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let status = app.handles.control.status();
    match (status.state, status.location.failure) {
        (api::State::Serving, None) => said(StatusCode::OK, "ready\n"),
        (api::State::Serving, Some(_)) => {
            said(StatusCode::SERVICE_UNAVAILABLE, "the location table keeps nothing now: status says why\n")
        }
        (api::State::Draining, _) => said(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

fn said(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
