//! The simulated models behind HTTP, as an OpenAI-compatible provider with faults on demand.

pub use super::allowance::Allowance;
pub use super::faults::{Faults, Latency};

use super::allowance::{Buckets, Header, wait_headers};
use super::faults::Fault;
use super::log::{LogEntry, RequestLog};
use super::tally::{BodyHash, Outcome, Tally};
use super::wire::{self, ChatRequest};
use super::world::World;
use super::{Answer, CLERK, Call, SimLlm};
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
    /// What happens instead of answers.
    pub faults: Faults,
    /// How much it answers in a minute.
    pub allowance: Allowance,
    /// The key that requests must carry.
    pub key: Option<SecretString>,
    /// Where one JSON line per answer is appended.
    pub log: Option<PathBuf>,
}

struct Server {
    models: SimLlm,
    options: Options,
    tally: Mutex<Tally>,
    buckets: Mutex<Buckets>,
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
    world: Arc<World>,
    options: Options,
    until: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (close, closing) = watch::channel(false);
    let log = options.log.as_deref().map(RequestLog::open).transpose()?;
    let buckets = Mutex::new(Buckets::new(options.allowance, Instant::now()));
    let server = Arc::new(Server {
        models: SimLlm::new(world),
        options,
        tally: Mutex::default(),
        buckets,
        log,
        closing,
    });
    let routes = Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/models", get(models))
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

async fn models() -> Response {
    json(StatusCode::OK, wire::models())
}

async fn stats(State(server): State<Arc<Server>>) -> Response {
    json(StatusCode::OK, server.tally().to_json())
}

async fn reset(State(server): State<Arc<Server>>) -> Response {
    *server.tally() = Tally::default();
    json(StatusCode::OK, b"{}".to_vec())
}

async fn nothing_here() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        "not_found",
        "the simulated server answers POST /v1/chat/completions, GET /v1/models, GET /stats, \
         POST /stats/reset and GET /health",
    )
}

async fn chat(State(server): State<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    server.tally().received();
    if !server.admits(&headers) {
        server.tally().unauthorized();
        return refusal(
            StatusCode::UNAUTHORIZED,
            "invalid_api_key",
            "the simulated server was started with a key: send it as `Authorization: Bearer …`",
        );
    }
    let read = ChatRequest::parse(&body).and_then(|mut request| {
        let messages = request.take_messages()?;
        Ok((request, messages))
    });
    let (request, messages) = match read {
        Ok(read) => read,
        Err(message) => {
            server.tally().refused();
            return refusal(StatusCode::BAD_REQUEST, "invalid_request_error", &message);
        }
    };
    let default_length =
        if request.model() == CLERK { ModelRole::Task } else { ModelRole::Mutator };
    let answer = server.models.answer(Call {
        model: request.model(),
        messages: &messages,
        temperature: request.temperature(),
        max_output_tokens: request
            .max_output_tokens()
            .unwrap_or(default_length.default_max_output_tokens()),
        draw: request.draw(),
    });
    let answer = match answer {
        Ok(answer) => answer,
        Err(message) => {
            server.tally().refused();
            return refusal(StatusCode::NOT_FOUND, "model_not_found", &message);
        }
    };
    server.reply(&request, answer, &body).await
}

impl Server {
    /// Every count is a whole step, so that a panic elsewhere leaves nothing half done.
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(key) = &self.options.key else {
            return true;
        };
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .is_some_and(|given| given == key.expose_secret())
    }

    /// Sends an answer, or what a fault leaves of it.
    async fn reply(&self, request: &ChatRequest, answer: Answer<'_>, body: &[u8]) -> Response {
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
            draw: request.draw(),
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
        let wait = self.options.latency.draw(&self.options.faults, source, seen);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        match fault {
            Some(Fault::Truncated) => {
                pending.outcome = Outcome::Truncated;
                half(wire::response(&request.model, &pending.hash, &answer))
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
                let bytes = wire::response(&request.model, &pending.hash, &empty);
                json(StatusCode::OK, bytes)
            }
            _ => {
                pending.outcome = Outcome::Answered;
                let bytes = wire::response(&request.model, &pending.hash, &answer);
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
    json(status, wire::error(kind, message))
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
