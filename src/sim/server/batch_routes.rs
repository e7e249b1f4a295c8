//! The routes of the simulated batch APIs.

use super::{Server, json, nothing_here, refusal_of};
use crate::clock::Clock;
use crate::sim::batches::Which;
use crate::sim::wire::Wire;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::json;
use std::sync::Arc;

type Shared = State<Arc<Server>>;

/// The routes of both protocols.
pub(super) fn routes() -> Router<Arc<Server>> {
    let openai = Router::new()
        .route("/v1/files", post(upload))
        .route("/v1/files/{id}/content", get(content))
        .route("/v1/batches", get(list_openai).post(create_openai))
        .route("/v1/batches/{id}", get(show_openai))
        .route("/v1/batches/{id}/cancel", post(cancel_openai));
    openai
        .route("/v1/messages/batches", get(list_anthropic).post(create_anthropic))
        .route("/v1/messages/batches/{id}", get(show_anthropic))
        .route("/v1/messages/batches/{id}/results", get(results_anthropic))
        .route("/v1/messages/batches/{id}/cancel", post(cancel_anthropic))
}

async fn upload(State(server): Shared, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = server.turns_away(Wire::OpenAi, &headers) {
        return refusal;
    }
    let Some(file) = uploaded(&headers, &body) else {
        let message = "the body is no form with a file";
        return refusal_of(Wire::OpenAi, StatusCode::BAD_REQUEST, "invalid_request_error", message);
    };
    let id = server.batches().upload(file.to_vec());
    shown(&json!({"id": id, "object": "file", "purpose": "batch", "bytes": file.len()}))
}

/// The file of an upload.
fn uploaded<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<&'a [u8]> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = format!("--{}", kind.split_once("boundary=")?.1.trim_matches('"'));
    let find = |text: &[u8], from: usize| {
        body.get(from..)?.windows(text.len()).position(|it| it == text).map(|it| it + from)
    };
    let named = find(b"name=\"file\"", 0)?;
    let start = find(b"\r\n\r\n", named)? + 4;
    let end = find(format!("\r\n{boundary}").as_bytes(), start)?;
    body.get(start..end)
}

async fn content(State(server): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response {
    if let Some(refusal) = server.turns_away(Wire::OpenAi, &headers) {
        return refusal;
    }
    let found = id.strip_prefix("file-").and_then(|rest| {
        let (which, number) = rest.split_once('-')?;
        let which = if which == "output" { Which::Run } else { Which::NotRun };
        Some((which, server.batches().number(Wire::OpenAi, &format!("batch_{number}"))?))
    });
    match found {
        Some((which, number)) => json(StatusCode::OK, server.batches().results(number, which)),
        None => nothing_here().await,
    }
}

async fn create_openai(State(server): Shared, headers: HeaderMap, body: Bytes) -> Response {
    create(&server, Wire::OpenAi, &headers, &body)
}

async fn create_anthropic(State(server): Shared, headers: HeaderMap, body: Bytes) -> Response {
    create(&server, Wire::Anthropic, &headers, &body)
}

fn create(server: &Server, wire: Wire, headers: &HeaderMap, body: &[u8]) -> Response {
    if let Some(refusal) = server.turns_away(wire, headers) {
        return refusal;
    }
    let now = Clock::System.now().as_second();
    let begun = match wire {
        Wire::OpenAi => {
            let body = serde_json::from_slice(body).unwrap_or_default();
            server.batches().begin_file(&body, now)
        }
        Wire::Anthropic => server.batches().begin(body, now),
    };
    match begun {
        Ok(number) => show(server, number),
        Err(message) => {
            refusal_of(wire, StatusCode::BAD_REQUEST, "invalid_request_error", &message)
        }
    }
}

async fn show_openai(server: Shared, headers: HeaderMap, id: Path<String>) -> Response {
    one(&server, Wire::OpenAi, &headers, &id, show).await
}

async fn show_anthropic(server: Shared, headers: HeaderMap, id: Path<String>) -> Response {
    one(&server, Wire::Anthropic, &headers, &id, show).await
}

async fn results_anthropic(server: Shared, headers: HeaderMap, id: Path<String>) -> Response {
    let results = |server: &Server, number| {
        json(StatusCode::OK, server.batches().results(number, Which::All))
    };
    one(&server, Wire::Anthropic, &headers, &id, results).await
}

async fn cancel_openai(server: Shared, headers: HeaderMap, id: Path<String>) -> Response {
    one(&server, Wire::OpenAi, &headers, &id, cancel).await
}

async fn cancel_anthropic(server: Shared, headers: HeaderMap, id: Path<String>) -> Response {
    one(&server, Wire::Anthropic, &headers, &id, cancel).await
}

async fn list_openai(server: Shared, headers: HeaderMap) -> Response {
    list(&server, Wire::OpenAi, &headers)
}

async fn list_anthropic(server: Shared, headers: HeaderMap) -> Response {
    list(&server, Wire::Anthropic, &headers)
}

fn list(server: &Server, wire: Wire, headers: &HeaderMap) -> Response {
    if let Some(refusal) = server.turns_away(wire, headers) {
        return refusal;
    }
    shown(&server.batches().list(wire, server.options.batches))
}

async fn one(
    server: &Server,
    wire: Wire,
    headers: &HeaderMap,
    id: &str,
    answer: impl Fn(&Server, usize) -> Response,
) -> Response {
    if let Some(refusal) = server.turns_away(wire, headers) {
        return refusal;
    }
    let number = server.batches().number(wire, id);
    let Some(number) = number else { return nothing_here().await };
    server.batches().run(number, server.options.batches, |body| server.row(wire, body));
    answer(server, number)
}

fn show(server: &Server, number: usize) -> Response {
    shown(&server.batches().shown(number, server.options.batches))
}

fn cancel(server: &Server, number: usize) -> Response {
    server.batches().cancel(number, server.options.batches);
    show(server, number)
}

fn shown(value: &serde_json::Value) -> Response {
    json(StatusCode::OK, value.to_string().into_bytes())
}
