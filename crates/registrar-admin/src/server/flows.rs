//! Connections, which can be ended.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::App;
use super::error::Failed;
use crate::convert;

pub(super) async fn kick(State(app): State<App>, Path(flow): Path<String>) -> Result<StatusCode, Failed> {
    let wrong = || Failed::bad("bad-flow", format!("{flow:?} is no connection: bindings name theirs, as in 0-12-1"));
    let flow = convert::read_flow(&flow).ok_or_else(wrong)?;
    if app.handles.connections.close(flow).await {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Failed::not_found("no-such-flow", "there is no such connection: it has ended"))
}
