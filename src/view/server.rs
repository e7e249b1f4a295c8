//! The server: who is let in, and which page answers an address.
//!
//! It listens on this machine alone. A page of another server cannot read or change anything here: it does not know the
//! token, a name that it has resolve to this machine is no name of this server, and its forms are refused.

use super::address::Fields;
use super::control;
use super::live::{Known, Live};
use super::pages::{self, Asked};
use super::shelf::Shelf;
use super::token::Token;
use crate::report::Comparison;
use crate::report::html::{self, Place, STYLE, Section, Shell, message};
use crate::run::{Run, RunKind};
use crate::score_form::ScoreForm;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use futures_util::stream::{self, Stream};
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;

const SCRIPT: &str = include_str!("view.js");
/// Nothing but what this server sends, and no script or style that stands in a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The largest form.
const LARGEST_BODY: usize = 16 * 1024;
/// How long a page waits for a run that is being read for the first time.
const PATIENCE: Duration = Duration::from_millis(700);
/// The least time between two versions that a page is told of.
const BETWEEN: Duration = Duration::from_secs(1);
/// How long a page says what came of an action.
const TOLD_FOR: Duration = Duration::from_secs(15);
/// The most runs side by side.
const MOST_COMPARED: usize = 6;

/// A server of pages.
pub struct Server {
    shelf: Shelf,
    token: Token,
    port: u16,
    /// Becomes true when it ends.
    closing: watch::Receiver<bool>,
    /// What came of the last action on each run, and whether it was refused.
    told: Mutex<HashMap<String, (Instant, String, bool)>>,
}

/// Serves pages about runs until told to stop.
///
/// # Errors
/// A listener that fails.
pub async fn serve(
    listener: TcpListener,
    shelf: Shelf,
    token: Token,
    until: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    let (close, closing) = watch::channel(false);
    let server = Arc::new(Server { shelf, token, port, closing, told: Mutex::default() });
    let routes = Router::new()
        .route("/", get(first))
        .route("/compare", get(compare))
        .route("/run/{run}/events", get(events))
        .route("/run/{run}/control", post(control))
        .route("/run/{run}/{page}", get(of_run))
        .route("/run/{run}/candidate/{what}", get(of_candidate))
        .route("/static/{file}", get(fixed))
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(Arc::clone(&server), guarded))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(server);
    axum::serve(listener, routes)
        .with_graceful_shutdown(async move {
            until.await;
            let _ = close.send(true);
        })
        .await
}

impl Server {
    fn told(&self) -> MutexGuard<'_, HashMap<String, (Instant, String, bool)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What came of the last action on a run, as long as it is news.
    fn told_of(&self, run: &str) -> Option<(String, bool)> {
        let mut told = self.told();
        told.retain(|_, (at, ..)| at.elapsed() < TOLD_FOR);
        told.get(run).map(|(_, text, is_refused)| (text.clone(), *is_refused))
    }

    fn cookie(&self) -> String {
        // Servers of one machine share their cookies, whatever their ports.
        format!("promptsearch-{}", self.port)
    }

    /// Whether a request names this server: another name may be one that somebody has resolve to this machine.
    fn is_named(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|name| host == Some(&format!("{name}:{}", self.port)))
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        cookies.flat_map(|line| line.split(';')).any(|cookie| {
            let (own, value) = cookie.trim().split_once('=').unwrap_or_default();
            own == name && self.token.is(value)
        })
    }

    /// Whether a form comes from a page of this server.
    fn is_own(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        let is_same = text(HeaderName::from_static("sec-fetch-site"))
            .is_none_or(|site| site == "same-origin");
        is_same && text(header::ORIGIN) == Some(&format!("http://{host}"))
    }
}

/// Lets in who may come in, and says with every answer what a browser may do with it.
async fn guarded(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mut response = if !server.is_named(headers) {
        let text = "This server answers under 127.0.0.1 and localhost alone.";
        refusal(StatusCode::MISDIRECTED_REQUEST, text)
    } else if let Some(said) = token_in(&request) {
        match server.token.is(&said) {
            true => let_in(&server),
            false => refusal(StatusCode::FORBIDDEN, WRONG),
        }
    } else if !server.has_token(headers) {
        refusal(StatusCode::FORBIDDEN, WRONG)
    } else if request.method() != Method::GET && !server.is_own(headers) {
        refusal(StatusCode::FORBIDDEN, "A form of another page is not taken.")
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Without a referrer a form would not say where it comes from.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

const WRONG: &str = "This page needs the token of the server: open the address that `promptsearch view` printed. A server \
                     that is started anew has a new one.";

fn token_in(request: &Request) -> Option<String> {
    let query = request.uri().query().filter(|_| request.uri().path() == "/")?;
    Fields::of(query).get("token").map(str::to_owned)
}

/// Keeps the token in a cookie, so that it stands in no address any more.
fn let_in(server: &Server) -> Response {
    let cookie =
        format!("{}={}; HttpOnly; SameSite=Strict; Path=/", server.cookie(), server.token.secret());
    let mut response = to("/");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn to(address: &str) -> Response {
    let mut response = answer(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Body::empty());
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn page(status: StatusCode, html: impl Into<Body>) -> Response {
    answer(status, "text/html; charset=utf-8", html)
}

fn refusal(status: StatusCode, text: &'static str) -> Response {
    answer(status, "text/plain; charset=utf-8", text)
}

async fn fixed(Path(file): Path<String>) -> Response {
    match file.as_str() {
        "view.css" => answer(StatusCode::OK, "text/css; charset=utf-8", STYLE),
        "view.js" => answer(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT),
        _ => nothing_here().await,
    }
}

async fn nothing_here() -> Response {
    page(StatusCode::NOT_FOUND, said("Nothing here", "There is no such page.", None))
}

/// A page with a sentence.
fn said(title: &str, text: &str, reload: Option<String>) -> String {
    let place = Place::list(ScoreForm::Percent);
    let section = message(&place, text, None, reload.is_none());
    framed(&place, title, vec![section], reload)
}

fn framed(place: &Place, title: &str, sections: Vec<Section>, events: Option<String>) -> String {
    let (title, name) = (title.to_owned(), title.to_owned());
    html::page(place, Shell { title, kind: "view", name, sections, events, ..Shell::default() })
}

/// The list of runs, or the only run.
async fn first(State(server): State<Arc<Server>>) -> Response {
    if let Some(name) = server.shelf.only() {
        return to(&format!("{}/overview", pages::root(&name)));
    }
    blocking(move || match server.shelf.catalog() {
        Some(Ok(catalog)) => {
            let place = Place::list(ScoreForm::Percent);
            let section = html::run_table(&catalog, &place);
            page(StatusCode::OK, framed(&place, "Runs", vec![section], None))
        }
        Some(Err(error)) => {
            page(StatusCode::INTERNAL_SERVER_ERROR, said("Runs", &error.to_string(), None))
        }
        None => page(StatusCode::NOT_FOUND, said("Runs", "One run is shown.", None)),
    })
    .await
}

async fn compare(State(server): State<Arc<Server>>, RawQuery(query): RawQuery) -> Response {
    blocking(move || {
        let fields = Fields::of(&query.unwrap_or_default());
        let mut runs = Vec::new();
        for name in fields.all("run").take(MOST_COMPARED) {
            let Some(dir) = server.shelf.find(name) else {
                let text = format!("There is no run `{name}`.");
                return page(StatusCode::NOT_FOUND, said("Side by side", &text, None));
            };
            match Run::read(&dir) {
                Ok(run) if run.file.kind != RunKind::Search => {
                    let text = format!("`{name}` is no search.");
                    return page(StatusCode::BAD_REQUEST, said("Side by side", &text, None));
                }
                Ok(run) if run.history.state.candidates.is_empty() => {
                    let text = format!("Nothing has happened in the run `{name}` yet.");
                    return page(StatusCode::BAD_REQUEST, said("Side by side", &text, None));
                }
                Ok(run) => runs.push(run),
                Err(error) => {
                    let text = error.to_string();
                    return page(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        said("Side by side", &text, None),
                    );
                }
            }
        }
        if runs.len() < 2 {
            let text = "Choose two searches or more in the list of runs.";
            return page(StatusCode::BAD_REQUEST, said("Side by side", text, None));
        }
        let comparison = Comparison::of(&runs);
        let place = Place::list(comparison.score_form);
        let mut shell = Shell {
            title: "Side by side".to_owned(),
            kind: "view",
            name: "Side by side".to_owned(),
            sections: vec![html::compared(&comparison, &place)],
            ..Shell::default()
        };
        shell.nav.push(html::Link {
            href: "/".to_owned(),
            title: "All runs".to_owned(),
            is_here: false,
        });
        page(StatusCode::OK, html::page(&place, shell))
    })
    .await
}

async fn of_run(
    State(server): State<Arc<Server>>,
    Path((run, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    shown(server, run, name, String::new(), query.unwrap_or_default()).await
}

async fn of_candidate(
    State(server): State<Arc<Server>>,
    Path((run, what)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    shown(server, run, "candidate".to_owned(), what, query.unwrap_or_default()).await
}

/// A page of a run, once the run is known.
async fn shown(
    server: Arc<Server>,
    run: String,
    name: String,
    what: String,
    query: String,
) -> Response {
    let Some(live) = followed(&server, &run).await else {
        let text = format!("There is no run `{run}` here.");
        return page(StatusCode::NOT_FOUND, said("No such run", &text, None));
    };
    let mut known = live.known();
    let reading = known.wait_for(|known| *known != Known::Reading);
    let _ = tokio::time::timeout(PATIENCE, reading).await;
    let now = known.borrow().clone();
    let version = match now {
        Known::Version(version) => version,
        Known::Reading => {
            let text = "The journal of this run is being read for the first time.";
            let events = format!("{}/events", pages::root(&run));
            return page(StatusCode::OK, said(&run, text, Some(events)));
        }
        Known::Unreadable(why) => {
            return page(StatusCode::INTERNAL_SERVER_ERROR, said(&run, &why, None));
        }
    };
    blocking(move || {
        let guard = live.read();
        let Some(followed) = guard.as_ref() else {
            return page(StatusCode::OK, said(&run, "It is being read again.", None));
        };
        let asked = Asked {
            page: &name,
            what: &what,
            fields: Fields::of(&query),
            key: server.token.key(),
            has_list: server.shelf.only().is_none(),
            version: version.to_string(),
            told: Some(&name).filter(|page| *page == "overview").and_then(|_| server.told_of(&run)),
        };
        if asked.told.is_some() {
            let html = pages::page(&live, followed, &asked);
            return html.map_or_else(
                || refusal(StatusCode::NOT_FOUND, "no page"),
                |html| page(StatusCode::OK, html),
            );
        }
        let address = format!("{name}/{what}?{query}");
        let mut is_there = true;
        let html = live.page(&address, || {
            pages::page(&live, followed, &asked).unwrap_or_else(|| {
                is_there = false;
                said("Nothing here", "There is no such page.", None)
            })
        });
        let status = if is_there { StatusCode::OK } else { StatusCode::NOT_FOUND };
        page(status, html.as_bytes().to_vec())
    })
    .await
}

async fn followed(server: &Arc<Server>, run: &str) -> Option<Arc<Live>> {
    let (server, run) = (Arc::clone(server), run.to_owned());
    tokio::task::spawn_blocking(move || server.shelf.follow(&run)).await.ok().flatten()
}

/// Makes a page away from the threads that answer.
async fn blocking(make: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(make).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a page failed");
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "This page failed. The run is not touched by it.",
        )
    })
}

async fn control(
    State(server): State<Arc<Server>>,
    Path(run): Path<String>,
    body: Bytes,
) -> Response {
    let form = Fields::of(&String::from_utf8_lossy(&body));
    if !form.get("key").is_some_and(|key| server.token.is_key(key)) {
        return refusal(StatusCode::FORBIDDEN, "A form of another page is not taken.");
    }
    let dir = {
        let (server, run) = (Arc::clone(&server), run.clone());
        tokio::task::spawn_blocking(move || server.shelf.find(&run)).await.ok().flatten()
    };
    let Some(dir) = dir else { return nothing_here().await };
    let done = tokio::task::spawn_blocking(move || control::carry_out(&dir, &form)).await;
    let told = match done {
        Ok(Ok(told)) => (told, false),
        Ok(Err(why)) => (why, true),
        Err(_) => ("It failed.".to_owned(), true),
    };
    // A page that is loaded again does not ask again.
    let address = format!("{}/overview", pages::root(&run));
    server.told().insert(run, (Instant::now(), told.0, told.1));
    to(&address)
}

/// Tells a page of each version of its run, at most once in a second.
async fn events(State(server): State<Arc<Server>>, Path(run): Path<String>) -> Response {
    let Some(live) = followed(&server, &run).await else { return nothing_here().await };
    let known = live.known();
    let told = versions(live, known, server.closing.clone());
    Sse::new(told).keep_alive(KeepAlive::default()).into_response()
}

fn versions(
    live: Arc<Live>,
    known: watch::Receiver<Known>,
    closing: watch::Receiver<bool>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(
        (live, known, closing, None::<Known>),
        |(live, mut known, mut closing, told)| async move {
            if told.is_some() {
                tokio::time::sleep(BETWEEN).await;
            }
            let next = {
                let news =
                    known.wait_for(|now| *now != Known::Reading && told.as_ref() != Some(now));
                tokio::select! {
                    news = news => news.ok()?.clone(),
                    _ = closing.wait_for(|closing| *closing) => return None,
                }
            };
            let text = match &next {
                Known::Version(version) => version.to_string(),
                Known::Reading | Known::Unreadable(_) => "unreadable".to_owned(),
            };
            let event = Event::default().event("version").data(text);
            Some((Ok(event), (live, known, closing, Some(next))))
        },
    )
}
