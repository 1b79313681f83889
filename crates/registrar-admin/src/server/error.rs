//! What is answered when something is wrong.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use registrar_api::{ApiError, Problem};
use sip_registrar::StoreError;

/// A status, a stable code, and what to do.
#[derive(Debug)]
pub(super) struct Failed {
    status: StatusCode,
    error: ApiError,
}

impl Failed {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, error: ApiError { code: code.to_owned(), message: message.into(), problems: Vec::new() } }
    }

    pub(super) fn not_found(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Settings that cannot be taken: nothing has changed.
    pub(super) fn of_settings(problems: Vec<Problem>) -> Self {
        let message = match problems.len() {
            1 => "the configuration was not taken, and everything stays as it was: 1 problem".to_owned(),
            n => format!("the configuration was not taken, and everything stays as it was: {n} problems"),
        };
        let error = ApiError { code: "bad-settings".to_owned(), message, problems };
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, error }
    }

    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-unavailable", error.to_string())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.error)).into_response();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}
