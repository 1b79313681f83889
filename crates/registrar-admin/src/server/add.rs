//! Adding a binding that no phone has to renew.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use registrar_api as api;
use sip_registrar::{AddError, Addition, Aor, RegisterError};

use super::App;
use super::error::Failed;
use crate::convert;

/// The longest body, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

pub(super) async fn add(
    State(app): State<App>,
    Path(aor): Path<String>,
    body: Result<Json<api::AddBinding>, JsonRejection>,
) -> Result<(StatusCode, Json<api::Aor>), Failed> {
    let Json(wanted) = body.map_err(bad_body)?;
    let mut buffer = Vec::new();
    let aor = Aor::parse(&aor, &mut buffer).map_err(|error| Failed::bad("bad-address", error.to_string()))?;
    let addition = Addition {
        contact: wanted.contact.as_bytes(),
        expires: wanted.expires.unwrap_or(u32::MAX),
        path: wanted.path.as_deref().unwrap_or_default().as_bytes(),
    };
    let now = app.handles.clock.now();
    // On its own, so that observers are told even if whoever asked has gone by then.
    let added = tokio::spawn(app.registrar().add(&aor, &addition, now).told());
    let fault = |_| Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", "a fault in the registrar: report it");
    let record = added.await.map_err(fault)?.map_err(refused)?.after;
    let empty = || api::Aor { aor: aor.to_string(), bindings: Vec::new() };
    Ok((StatusCode::CREATED, Json(record.map_or_else(empty, |record| convert::aor(&app.registrar(), &record, now)))))
}

fn bad_body(error: JsonRejection) -> Failed {
    let code = match error.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "not-json",
        StatusCode::PAYLOAD_TOO_LARGE => "too-long",
        _ => "bad-body",
    };
    Failed::new(error.status(), code, error.body_text())
}

fn refused(error: AddError) -> Failed {
    let (status, code) = match error {
        AddError::Register(RegisterError::Store(error)) => return error.into(),
        AddError::Register(RegisterError::TooManyContacts) => (StatusCode::CONFLICT, "too-many-contacts"),
        AddError::Register(_) => (StatusCode::CONFLICT, "out-of-order"),
        AddError::ForeignDomain => (StatusCode::UNPROCESSABLE_ENTITY, "foreign-domain"),
        AddError::NoExpiry => (StatusCode::UNPROCESSABLE_ENTITY, "bad-expires"),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "bad-contact"),
    };
    Failed::new(status, code, error.to_string())
}
