//! The simulated models behind HTTP, as an OpenAI-compatible provider with faults on demand.

pub use super::allowance::Allowance;
pub use super::faults::{Faults, Latency};

mod batch_routes;

pub use super::batches::BatchOptions;

use super::allowance::{Buckets, Header, wait_headers};
use super::anthropic_wire;
use super::batches::Batches;
use super::faults::Fault;
use super::log::{LogEntry, RequestLog};
use super::tally::{BodyHash, Outcome, Tally};
use super::wire::{self, ChatRequest, Route, Wire};
use super::{Answer, CLERK, Call, EDITOR, Models, judge};
use crate::task::model::{ModelRole, Usage};
use crate::units::Tokens;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use bytes::Bytes;
use secrecy::{ExposeSecret, SecretString};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The largest body that is read.
const LARGEST_BODY: usize = 32 * 1024 * 1024;
/// The time between half an answer and the end of its connection, so that the half arrives.
const HALF: Duration = Duration::from_millis(2);

/// How the server behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How long answers take.
    pub latency: Latency,
    /// How long the editor's replies take.
    pub editor_latency: Latency,
    /// What happens instead of answers.
    pub faults: Faults,
    /// How much it answers in a minute.
    pub allowance: Allowance,
    /// How its batches behave.
    pub batches: BatchOptions,
    /// The key that requests must carry.
    pub key: Option<SecretString>,
    /// Where one JSON line per answer is appended.
    pub log: Option<PathBuf>,
}

struct Server {
    models: Models,
    options: Options,
    tally: Mutex<Tally>,
    buckets: Mutex<Buckets>,
    batches: Mutex<Batches>,
    log: Option<RequestLog>,
    /// Ends what hangs when the server ends.
    closing: watch::Receiver<bool>,
}

/// Serves until told to stop, then finishes what it has begun.
///
/// # Errors
/// A log file that cannot be opened, or a listener that fails.
pub async fn serve(
    listener: TcpListener,
    models: impl Into<Models>,
    options: Options,
    until: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (close, closing) = watch::channel(false);
    let log = options.log.as_deref().map(RequestLog::open).transpose()?;
    let buckets = Mutex::new(Buckets::new(options.allowance, Instant::now()));
    let server = Arc::new(Server {
        models: models.into(),
        options,
        tally: Mutex::default(),
        buckets,
        batches: Mutex::default(),
        log,
        closing,
    });
    let routes = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/messages", post(messages))
        .route("/v1/embeddings", post(embeddings))
        .merge(batch_routes::routes())
        .route("/v1/models", get(list_models))
        .route("/stats", get(stats))
        .route("/stats/reset", post(reset))
        .route("/health", get(health))
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(server);
    let listener = listener.tap_io(|connection| {
        // Only speed depends on it.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, routes)
        .with_graceful_shutdown(async move {
            until.await;
            let _ = close.send(true);
        })
        .await
}

async fn health() -> &'static str {
    "ok"
}

async fn list_models() -> Response {
    json(StatusCode::OK, wire::models())
}

async fn stats(State(server): State<Arc<Server>>) -> Response {
    json(StatusCode::OK, server.tally().to_json())
}

async fn reset(State(server): State<Arc<Server>>) -> Response {
    *server.tally() = Tally::default();
    server.models.reset();
    json(StatusCode::OK, b"{}".to_vec())
}

async fn nothing_here() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "not_found",
        "the simulated server answers POST /v1/chat/completions, /v1/embeddings and /v1/messages, both \
         batch APIs, GET /v1/models, GET /stats, POST /stats/reset and GET /health",
    )
}

async fn chat(server: State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    live(&server, Route::Chat, &headers, &body).await
}

async fn messages(server: State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    live(&server, Route::Messages, &headers, &body).await
}

async fn embeddings(server: State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    live(&server, Route::Embeddings, &headers, &body).await
}

async fn live(server: &Server, route: Route, headers: &HeaderMap, body: &[u8]) -> Response {
    server.tally().received();
    if let Some(refusal) = server.turns_away(route.wire(), headers) {
        return refusal;
    }
    match server.answer(route, body) {
        Ok((request, answer)) => server.reply(route, &request, answer, body).await,
        Err((status, kind, message)) => refusal_of(route.wire(), status, kind, &message),
    }
}

/// An answer as bytes.
fn response(route: Route, model: &str, hash: &str, answer: &Answer<'_>) -> Vec<u8> {
    match route {
        Route::Chat => wire::response(model, hash, answer),
        Route::Embeddings => wire::embeddings(model, answer),
        Route::Messages => anthropic_wire::response(model, hash, answer),
    }
}

impl Server {
    /// Every count is a whole step, so that a panic elsewhere leaves nothing half done.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refusal of a request without the key.
    fn turns_away(&self, wire: Wire, headers: &HeaderMap) -> Option<Response> {
        let key = self.options.key.as_ref()?.expose_secret();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (given, header) = match wire {
            Wire::OpenAi => (
                text(header::AUTHORIZATION.as_str()).and_then(|it| it.strip_prefix("Bearer ")),
                "Authorization: Bearer …",
            ),
            Wire::Anthropic => (text("x-api-key"), "x-api-key: …"),
        };
        if given == Some(key) {
            return None;
        }
        self.tally().unauthorized();
        let (kind, status) = match wire {
            Wire::OpenAi => ("invalid_api_key", StatusCode::UNAUTHORIZED),
            Wire::Anthropic => ("authentication_error", StatusCode::UNAUTHORIZED),
        };
        let words = format!("the simulated server was started with a key: send it as `{header}`");
        Some(refusal_of(wire, status, kind, &words))
    }

    /// The answer to a request, before any fault.
    fn answer(
        &self,
        route: Route,
        body: &[u8],
    ) -> Result<(ChatRequest, Answer<'_>), (StatusCode, &'static str, String)> {
        let read = match route {
            Route::Chat => ChatRequest::parse(body),
            Route::Embeddings => ChatRequest::parse_embeddings(body),
            Route::Messages => anthropic_wire::parse(body),
        };
        let read = read.and_then(|mut request| {
            let messages = request.take_messages()?;
            Ok((request, messages))
        });
        let (request, messages) = read.map_err(|message| {
            self.tally().refused();
            (StatusCode::BAD_REQUEST, "invalid_request_error", message)
        })?;
        let role = match request.model() {
            CLERK => ModelRole::Task,
            model if judge::is_named(model) => ModelRole::JUDGE,
            _ => ModelRole::MUTATOR,
        };
        let most = request.max_output_tokens().unwrap_or(role.default_max_output_tokens());
        let answer = self.models.answer(Call {
            model: request.model(),
            messages: &messages,
            temperature: request.temperature(),
            max_output_tokens: most,
            draw: request.draw(),
            asks_vectors: route == Route::Embeddings,
        });
        let answer = answer.map_err(|refused| {
            if refused.is_unrecorded {
                self.tally().unrecorded();
                return (StatusCode::BAD_REQUEST, "invalid_request_error", refused.message);
            }
            self.tally().refused();
            let kind = match route.wire() {
                Wire::OpenAi => "model_not_found",
                Wire::Anthropic => "not_found_error",
            };
            (StatusCode::NOT_FOUND, kind, refused.message)
        })?;
        Ok((request, answer))
    }

    /// The status and the body for one request of a batch. It is billed, and meets no fault.
    fn row(&self, wire: Wire, body: &[u8]) -> (u16, serde_json::Value) {
        self.tally().received();
        let (status, bytes) = match self.answer(wire.of_batch(), body) {
            Ok((request, answer)) => {
                let hash = body_hash(body);
                let pending = Pending {
                    server: self,
                    body: hash,
                    hash: hex(&hash),
                    model: request.model(),
                    draw: request.draw().unwrap_or(0),
                    row: answer.row,
                    usage: Some(answer.usage),
                    outcome: Outcome::Answered,
                    fault: None,
                };
                self.tally().see(hash);
                (StatusCode::OK, response(wire.of_batch(), &request.model, &pending.hash, &answer))
            }
            Err((status, kind, message)) => (status, error(wire, kind, &message)),
        };
        (status.as_u16(), serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Sends an answer, or what a fault leaves of it.
    async fn reply(
        &self,
        route: Route,
        request: &ChatRequest,
        answer: Answer<'_>,
        body: &[u8],
    ) -> Response {
        let body = body_hash(body);
        let seen = self.tally().see(body);
        let source = u64::from_le_bytes(std::array::from_fn(|place| body[place]));
        let room = self.buckets().take(answer.usage.total().0, Instant::now());
        let fault = match room {
            Ok(()) => self.options.faults.draw(source, seen),
            Err(_) => Some(Fault::Throttled),
        };
        if let Some(fault) = fault {
            self.tally().met(fault);
        }
        let mut pending = Pending {
            server: self,
            body,
            hash: hex(&body),
            model: request.model(),
            draw: request.draw().unwrap_or(0),
            row: answer.row,
            usage: Some(answer.usage),
            outcome: Outcome::Abandoned,
            fault,
        };
        match fault {
            Some(Fault::Throttled) => {
                pending.usage = None;
                let mut response = refusal(
                    StatusCode::TOO_MANY_REQUESTS,
                    "rate_limit_exceeded",
                    "too many requests (simulated)",
                );
                let asked = Duration::from_secs(self.options.faults.retry_after);
                insert(&mut response, wait_headers(room.err().unwrap_or(asked)));
                return response;
            }
            Some(Fault::Failed) => {
                pending.usage = None;
                return refusal(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "server_error",
                    "the server failed (simulated)",
                );
            }
            Some(Fault::Unavailable) => {
                pending.usage = None;
                return refusal(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "server_error",
                    "the server is not ready (simulated)",
                );
            }
            Some(Fault::Hung) => {
                pending.outcome = Outcome::Hung;
                // It is counted now: the handler ends only with the client or with the server.
                drop(pending);
                let mut closing = self.closing.clone();
                let _ = closing.wait_for(|closing| *closing).await;
                return refusal(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "server_error",
                    "the simulated server is closing",
                );
            }
            Some(Fault::Truncated | Fault::Empty) | None => {}
        }
        let latency = match request.model() {
            EDITOR => &self.options.editor_latency,
            _ => &self.options.latency,
        };
        let wait = latency.draw(&self.options.faults, source, seen);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        match fault {
            Some(Fault::Truncated) => {
                pending.outcome = Outcome::Truncated;
                half(response(route, &request.model, &pending.hash, &answer))
            }
            Some(Fault::Empty) => {
                let usage = Usage { output: Tokens::ZERO, ..answer.usage };
                let empty = Answer {
                    text: String::new(),
                    usage,
                    finish: crate::event::Finish::Stop,
                    row: answer.row,
                };
                pending.outcome = Outcome::Empty;
                pending.usage = Some(usage);
                let bytes = response(route, &request.model, &pending.hash, &empty);
                json(StatusCode::OK, bytes)
            }
            _ => {
                pending.outcome = Outcome::Answered;
                let bytes = response(route, &request.model, &pending.hash, &answer);
                let mut response = json(StatusCode::OK, bytes);
                insert(&mut response, self.buckets().headers());
                response
            }
        }
    }
}

/// A request that is being answered. It is counted when it ends, also when its client leaves.
struct Pending<'a> {
    server: &'a Server,
    body: BodyHash,
    hash: String,
    model: &'a str,
    draw: u64,
    row: Option<&'a str>,
    /// What a provider would bill; nothing where no answer was generated.
    usage: Option<Usage>,
    outcome: Outcome,
    fault: Option<Fault>,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(usage) = self.usage {
            self.server.tally().bill(self.body, self.model, usage, self.outcome);
        }
        if let Some(log) = &self.server.log {
            log.add(&LogEntry {
                body: &self.hash,
                model: self.model,
                seed: self.draw,
                row: self.row,
                fault: match self.outcome {
                    Outcome::Abandoned if self.usage.is_some() => Some("abandoned"),
                    _ => self.fault.map(Fault::name),
                },
            });
        }
    }
}

fn body_hash(body: &[u8]) -> BodyHash {
    let digest = blake3::hash(body);
    std::array::from_fn(|place| digest.as_bytes()[place])
}

fn hex(hash: &BodyHash) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(hash.len() * 2);
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn insert(response: &mut Response, headers: Vec<Header>) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    refusal_of(Wire::OpenAi, status, kind, message)
}

fn refusal_of(wire: Wire, status: StatusCode, kind: &str, message: &str) -> Response {
    json(status, error(wire, kind, message))
}

fn error(wire: Wire, kind: &str, message: &str) -> Vec<u8> {
    match wire {
        Wire::OpenAi => wire::error(kind, message),
        Wire::Anthropic => anthropic_wire::error(kind, message),
    }
}

/// The whole length promised, half of it sent, and the connection closed.
fn half(mut body: Vec<u8>) -> Response {
    let promised = HeaderValue::from(body.len());
    body.truncate(body.len() / 2);
    let pieces = futures_util::stream::unfold(Some(body), |half| async move {
        match half {
            Some(half) if !half.is_empty() => Some((Ok(Bytes::from(half)), Some(Vec::new()))),
            _ => {
                tokio::time::sleep(HALF).await;
                Some((Err(io::Error::other("simulated: cut off")), None))
            }
        }
    });
    let mut response = json(StatusCode::OK, Vec::new());
    *response.body_mut() = Body::from_stream(pieces);
    response.headers_mut().insert(header::CONTENT_LENGTH, promised);
    response
}
