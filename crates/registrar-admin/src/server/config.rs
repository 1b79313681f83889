//! The settings: what is in force, and reading them again.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use registrar_api as api;

use super::App;
use super::error::Failed;

pub(super) async fn effective(State(app): State<App>) -> Json<api::Effective> {
    Json(app.handles.control.effective())
}

pub(super) async fn reload(State(app): State<App>) -> Result<Json<api::Reloaded>, Failed> {
    // Files are read, and users may be many.
    let reloaded = tokio::task::spawn_blocking(move || app.handles.control.reload()).await;
    match reloaded {
        Ok(Ok(reloaded)) => Ok(Json(reloaded)),
        Ok(Err(problems)) => Err(Failed::of_settings(problems)),
        Err(_) => Err(Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "a fault in the registrar: report it")),
    }
}
