//! One request and its answer: a connection each, since commands ask rarely.

use std::io::{Error as IoError, ErrorKind};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use registrar_api::ApiError;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::{Error, Target};

/// How long the beginning of an answer may take: a reload asks databases.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than any answer that is not a stream.
const MOST: usize = 64 << 20;

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    /// With the query.
    pub(super) path: &'a str,
    pub(super) accept: &'static str,
    /// JSON, or nothing.
    pub(super) body: Option<Vec<u8>>,
}

/// Asks, and gives an answer whose status says that it was done.
pub(super) async fn ask(target: &Target, asked: Asked<'_>) -> Result<Response<Incoming>, Error> {
    let answered = timeout(PATIENCE, send(target, asked)).await;
    let response =
        answered.map_err(|_| Error::TimedOut { target: target.to_string(), seconds: PATIENCE.as_secs() })??;
    if response.status().is_success() { Ok(response) } else { Err(refused(target, response).await) }
}

/// The whole body as JSON.
pub(super) async fn json<T: DeserializeOwned>(target: &Target, response: Response<Incoming>) -> Result<T, Error> {
    let bytes = whole(target, response).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Error::Strange { target: target.to_string(), what: error.to_string() })
}

/// The whole body.
pub(super) async fn whole(target: &Target, response: Response<Incoming>) -> Result<Bytes, Error> {
    let body = timeout(PATIENCE, Limited::new(response.into_body(), MOST).collect()).await;
    let body = body.map_err(|_| Error::TimedOut { target: target.to_string(), seconds: PATIENCE.as_secs() })?;
    let body = body.map_err(|error| Error::Broken { target: target.to_string(), what: error.to_string() })?;
    Ok(body.to_bytes())
}

async fn send(target: &Target, asked: Asked<'_>) -> Result<Response<Incoming>, Error> {
    let (host, token) = match target {
        Target::Unix(_) => ("localhost", None),
        Target::Tcp { authority, token } => (authority.as_str(), token.as_ref()),
    };
    let mut request = Request::builder().method(asked.method).uri(asked.path).header(HOST, host);
    request = request.header(ACCEPT, asked.accept);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
    }
    if asked.body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let strange =
        |error: &dyn std::error::Error| Error::Strange { target: target.to_string(), what: error.to_string() };
    let request = request.body(Full::from(asked.body.unwrap_or_default())).map_err(|error| strange(&error))?;
    let answer = match target {
        Target::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(|source| match source.kind() {
                ErrorKind::PermissionDenied => Error::NotYours { path: path.clone() },
                _ => Error::NoSocket { path: path.clone(), source },
            })?;
            over(stream, request).await
        }
        Target::Tcp { authority, .. } => {
            let unreachable = |source: IoError| Error::Unreachable { target: target.to_string(), source };
            over(TcpStream::connect(authority).await.map_err(unreachable)?, request).await
        }
    };
    answer.map_err(|error| strange(&error))
}

async fn over<S>(stream: S, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends when the answer has been read or dropped; what goes wrong on it, the answer says.
    tokio::spawn(connection);
    sender.send_request(request).await
}

async fn refused(target: &Target, response: Response<Incoming>) -> Error {
    let status = response.status();
    let body = whole(target, response).await;
    let error = body.ok().and_then(|body| serde_json::from_slice::<ApiError>(&body).ok());
    match (status, error) {
        (StatusCode::UNAUTHORIZED, _) => Error::NoToken,
        (StatusCode::FORBIDDEN, Some(error)) => Error::Forbidden { error },
        (StatusCode::NOT_FOUND, Some(error)) => Error::NotFound { error },
        (_, Some(error)) => Error::Refused { status: status.as_u16(), error },
        (_, None) => {
            Error::Strange { target: target.to_string(), what: format!("it answers {status} without saying why") }
        }
    }
}
