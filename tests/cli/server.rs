//! A provider in this process with scripted responses, which records its requests.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Path and query.
    pub(crate) target: String,
    /// By name in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Request {
    /// The `Authorization` header.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.headers.get("authorization").map(String::as_str)
    }

    /// The text of the message with this role.
    pub(crate) fn content(&self, role: &str) -> &str {
        let messages = self.body["messages"].as_array().unwrap();
        let message = messages.iter().find(|message| message["role"] == role);
        message.and_then(|message| message["content"].as_str()).unwrap_or("")
    }
}

/// Status, additional header lines, body.
pub(crate) type Reply = (u16, &'static str, String);

type Say = Box<dyn Fn(usize, &Request) -> Reply + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Server {
    scheme: &'static str,
    port: u16,
    state: Arc<State>,
}

struct State {
    say: Say,
    requests: Mutex<Vec<Request>>,
}

impl Server {
    /// Answers by a function of the request's number and the request.
    pub(crate) fn start(say: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("http", say, State::serve)
    }

    /// The same over TLS.
    pub(crate) fn start_tls(
        config: ServerConfig,
        say: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let config = Arc::new(config);
        Self::listen("https", say, move |state, connection| {
            let session = ServerConnection::new(Arc::clone(&config));
            let session = session.map_err(std::io::Error::other)?;
            state.serve(StreamOwned::new(session, connection))
        })
    }

    fn listen(
        scheme: &'static str,
        say: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
        serve: impl Fn(&State, TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { say: Box::new(say), requests: Mutex::default() });
        let (server, serve) = (Self { scheme, port, state: Arc::clone(&state) }, Arc::new(serve));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (state, serve) = (Arc::clone(&state), Arc::clone(&serve));
                // The program may close the connection at any time.
                std::thread::spawn(move || serve(&state, connection).ok());
            }
        });
        server
    }

    pub(crate) fn base_url(&self) -> String {
        format!("{}://127.0.0.1:{}/v1", self.scheme, self.port)
    }

    pub(crate) fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.state.requests.lock().unwrap()
    }
}

impl State {
    fn serve(&self, connection: impl Read + Write) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection);
        loop {
            let (mut target, mut headers) = (String::new(), BTreeMap::new());
            let mut line = String::new();
            loop {
                line.clear();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                match line.trim_end().split_once(": ") {
                    Some((name, value)) => {
                        headers.insert(name.to_ascii_lowercase(), value.to_owned());
                    }
                    None if line == "\r\n" => break,
                    None => target = line.split(' ').nth(1).unwrap_or_default().to_owned(),
                }
            }
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            // A question has no body, and an upload is no JSON.
            let body = serde_json::from_slice(&body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&body).into());
            let request = Request { target, headers, body };
            let number = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(request.clone());
                requests.len() - 1
            };
            let (status, headers, body) = (self.say)(number, &request);
            let response = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
                body.len()
            );
            let writer = reader.get_mut();
            writer.write_all(response.as_bytes())?;
            writer.flush()?;
        }
    }
}

/// A mutator's reply that makes this text of the part `system`, in the form that its request asks for.
pub(crate) fn writes(request: &Request, text: &str) -> Reply {
    let asked = request.content("user");
    let at = asked.find("<prompt-").unwrap() + "<prompt-".len();
    let nonce = &asked[at..at + 16];
    says(&format!("<prompt-{nonce} part=\"system\">\n{text}\n</prompt-{nonce}>"))
}

/// A valid answer.
pub(crate) fn says(text: &str) -> Reply {
    let body = json!({
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 2, "total_tokens": 22},
    });
    (200, "", body.to_string())
}

/// The number in a row of `colours`.
pub(crate) fn tile(request: &Request) -> usize {
    let number = request.content("user").split_whitespace().nth(1);
    number.and_then(|number| number.parse().ok()).expect("a row of colours")
}

/// The right answer to two rows of colours of three.
pub(crate) fn answer(request: &Request) -> Reply {
    says(["warm", "cold"][usize::from(tile(request).is_multiple_of(3))])
}
