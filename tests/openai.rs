//! The OpenAI protocol, tested against correct and faulty servers in this process.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use promptsearch::program::Surroundings;
use promptsearch::prompt::{Message, Role};
use promptsearch::provider::http::HttpProvider;
use promptsearch::provider::openai;
use promptsearch::provider::registry::{Connection, connect};
use promptsearch::provider::{Envelope, Failure, Finish, Llm, LlmError, Reply, Request};
use promptsearch::task::model::{ModelName, Provider, ProviderKind, Timeouts, Usage};
use secrecy::SecretString;
use serde_json::json;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

/// OpenAI's protocol over HTTP.
type Asked = HttpProvider<openai::OpenAi>;

const KEY: &str = "sk-Sentinel+0123456789/abcdef";
const GOOD: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"billing"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#;

const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_millis(400),
    first_byte: Duration::from_millis(500),
    idle: Duration::from_millis(300),
    total: Duration::from_millis(1_000),
};

/// The tolerance for deadlines on a busy machine.
const SLACK: Duration = Duration::from_secs(2);

fn request() -> Request {
    Request {
        model: ModelName::parse("local/org/small").unwrap(),
        messages: vec![
            Message { role: Role::System, content: "Route the ticket.".to_owned() },
            Message { role: Role::User, content: "I was charged \"twice\" – €5\n".to_owned() },
        ],
        temperature: 0.0,
        max_output_tokens: 512,
        draw: 3,
        stable_bytes: 0,
        form: Arc::default(),
        row: None,
    }
}

fn openai(base_url: &str, timeout: Timeouts, key: Option<&str>) -> Asked {
    let provider = Provider {
        base_url: Some(base_url.to_owned()),
        timeout,
        ..Provider::built_in("openai").unwrap()
    };
    Asked::new("local", &provider, key.map(SecretString::from)).unwrap()
}

/// A server that reads each complete request and passes the connection to `answer`.
async fn server<F, A>(answer: F) -> String
where
    F: Fn(TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                read_request(&mut stream).await?;
                answer(stream).await
            });
        }
    });
    address
}

async fn read_request(stream: &mut TcpStream) -> io::Result<()> {
    let mut seen = Vec::new();
    loop {
        if stream.read_buf(&mut seen).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&seen);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return Ok(());
        }
    }
}

/// A server that always sends these bytes and closes.
async fn saying(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    server(move |mut stream| {
        let bytes = bytes.clone();
        async move { stream.write_all(&bytes).await }
    })
    .await
}

/// A complete response.
fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// One attempt, which must end within `deadline`.
async fn attempt(base_url: &str, deadline: Duration) -> Result<Reply, LlmError> {
    let openai = openai(base_url, TIMEOUTS, Some(KEY));
    let start = Instant::now();
    let outcome = openai.complete(&request()).await;
    let took = start.elapsed();
    assert!(took < deadline + SLACK, "{took:?} of {deadline:?}: {outcome:?}");
    if let Err(error) = &outcome {
        let host = base_url.split('/').nth(2).unwrap();
        assert!(error.message.contains(host), "{error}");
        assert_no_key(&format!("{error} {error:?}"));
    }
    outcome
}

async fn failure(base_url: &str, deadline: Duration) -> LlmError {
    attempt(base_url, deadline).await.unwrap_err()
}

/// Checks that a text contains no eight characters of the key, in any usual encoding.
fn assert_no_key(shown: &str) {
    let forms = [
        KEY,
        "sk-Sentinel%2B0123456789%2Fabcdef",
        // `KEY`, `Bearer KEY` and `:KEY` in base64.
        "c2stU2VudGluZWwrMDEyMzQ1Njc4OS9hYmNkZWY=",
        "QmVhcmVyIHNrLVNlbnRpbmVsKzAxMjM0NTY3ODkvYWJjZGVm",
        "OnNrLVNlbnRpbmVsKzAxMjM0NTY3ODkvYWJjZGVm",
    ];
    for form in forms {
        // The beginnings of the base64 forms encode the text before the key.
        for piece in form.as_bytes()[form.len().min(12)..].windows(8) {
            let piece = std::str::from_utf8(piece).unwrap();
            assert!(!shown.contains(piece), "{shown}");
        }
    }
    assert!(!shown.contains("sk-Senti"), "{shown}");
}

#[tokio::test]
async fn the_request_is_exactly_this() {
    type Seen = Arc<Mutex<Option<(HeaderMap, Bytes)>>>;
    async fn answer(State(seen): State<Seen>, headers: HeaderMap, body: Bytes) -> &'static str {
        *seen.lock().unwrap() = Some((headers, body));
        GOOD
    }
    let seen = Seen::default();
    let router =
        Router::new().route("/v1/chat/completions", post(answer)).with_state(Arc::clone(&seen));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });

    let openai = openai(&format!("http://{address}/v1/"), Timeouts::default(), Some(KEY));
    let reply = openai.complete(&request()).await.unwrap();
    let usage = Usage::plain(9, 2);
    assert_eq!(reply, {
        let (text, why) = ("billing".to_owned(), String::new());
        let envelope = reply.envelope.clone();
        Reply { text, usage: Some(usage), finish: Finish::Stop, why, envelope }
    });
    let Envelope { status, first_byte, clock_ahead, .. } = *reply.envelope;
    assert_eq!((status, first_byte.is_some()), (Some(200), true));
    let skew = clock_ahead.expect("axum sends the date").as_secs();
    assert!((-2..=1).contains(&skew), "{skew}");

    let (headers, body) = seen.lock().unwrap().take().unwrap();
    insta::assert_snapshot!(String::from_utf8_lossy(&body), @r#"{"model":"org/small","messages":[{"role":"system","content":"Route the ticket."},{"role":"user","content":"I was charged \"twice\" – €5\n"}],"temperature":0.0,"max_tokens":512,"seed":3}"#);
    let mut lines: Vec<String> = headers
        .iter()
        .filter(|(name, _)| *name != "host")
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    let lines = lines.join("\n").replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!(lines, @r"
    accept-encoding: gzip
    accept: application/json
    authorization: Bearer sk-Sentinel+0123456789/abcdef
    content-length: 189
    content-type: application/json
    user-agent: promptsearch/[version]
    ");
}

#[tokio::test]
async fn without_a_key_no_header_is_sent() {
    async fn answer(headers: HeaderMap) -> String {
        let sent = headers.contains_key("authorization");
        json!({"choices": [{"message": {"content": sent.to_string()}}]}).to_string()
    }
    let router = Router::new().route("/chat/completions", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let openai = openai(&format!("http://{address}"), Timeouts::default(), None);
    assert_eq!(openai.complete(&request()).await.unwrap().text, "false");
}

#[tokio::test]
async fn connections_are_kept() {
    let connections = Arc::new(Mutex::new(0));
    let count = Arc::clone(&connections);
    let address = server(move |mut stream| {
        *count.lock().unwrap() += 1;
        async move {
            loop {
                stream.write_all(&response("200 OK", "", GOOD)).await?;
                read_request(&mut stream).await?;
            }
        }
    })
    .await;
    let openai = openai(&address, Timeouts::default(), Some(KEY));
    for _ in 0..20 {
        let request = request();
        let all = (0..8).map(|_| openai.complete(&request));
        for outcome in futures_util::future::join_all(all).await {
            assert_eq!(outcome.unwrap().text, "billing");
        }
    }
    assert!(*connections.lock().unwrap() <= 8, "{connections:?}");
}

#[tokio::test]
async fn a_server_that_accepts_and_is_silent_is_left_at_the_first_byte() {
    let address = server(|stream| async move {
        sleep(Duration::from_secs(60)).await;
        drop(stream);
        Ok(())
    })
    .await;
    let error = failure(&address, TIMEOUTS.first_byte).await;
    assert_eq!(error.failure, Failure::Timeout);
    assert!(error.may_be_billed);
    assert!(error.message.contains("did not begin to answer within 0.5 s"), "{error}");
}

#[tokio::test]
async fn a_trickle_of_bytes_ends_with_the_whole_attempt() {
    let address = server(|mut stream| async move {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
        stream.write_all(head.as_bytes()).await?;
        loop {
            stream.write_all(b" ").await?;
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let error = failure(&address, TIMEOUTS.total).await;
    assert_eq!(error.failure, Failure::Timeout);
    assert!(error.may_be_billed);
    assert!(error.message.contains("did not end its answer within 1.0 s"), "{error}");
}

#[tokio::test]
async fn a_trickle_of_header_bytes_is_no_first_byte() {
    let address = server(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nx-slow: ").await?;
        loop {
            stream.write_all(b"x").await?;
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let error = failure(&address, TIMEOUTS.first_byte).await;
    assert_eq!(error.failure, Failure::Timeout);
}

/// An answer without an end, and a small one that would be without end once it is unpacked.
#[tokio::test]
async fn an_endless_body_and_one_that_unpacks_without_end_are_left_at_a_limit() {
    let endless = server(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
        loop {
            stream.write_all(&[b' '; 1 << 16]).await?;
        }
    })
    .await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..256 {
        packed.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20, "256 MiB in {} bytes", packed.len());
    let bomb = server(move |mut stream| {
        let packed = packed.clone();
        async move {
            let length = packed.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {length}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&packed).await?;
            sleep(Duration::from_secs(60)).await;
            Ok(())
        }
    })
    .await;
    for address in [endless, bomb] {
        let patient = Timeouts { total: Duration::from_secs(30), ..TIMEOUTS };
        let error = openai(&address, patient, None).complete(&request()).await.unwrap_err();
        assert_eq!(error.failure, Failure::Unreadable);
        assert!(error.may_be_billed);
        assert!(error.message.contains("its answer has no end: more than"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_falls_silent_is_left() {
    let address = server(|mut stream| async move {
        let cut = &response("200 OK", "", GOOD)[..80];
        stream.write_all(cut).await?;
        sleep(Duration::from_secs(60)).await;
        Ok(())
    })
    .await;
    let error = failure(&address, TIMEOUTS.idle).await;
    assert_eq!(error.failure, Failure::Timeout);
    assert!(error.may_be_billed);
    assert!(error.message.contains("was silent for 0.3 s"), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_never_closed_matters_only_where_its_end_is_the_bodys_end() {
    let never = |bytes: Vec<u8>| async move {
        server(move |mut stream| {
            let bytes = bytes.clone();
            async move {
                stream.write_all(&bytes).await?;
                sleep(Duration::from_secs(60)).await;
                Ok(())
            }
        })
        .await
    };
    let counted = never(response("200 OK", "", GOOD)).await;
    assert_eq!(attempt(&counted, Duration::ZERO).await.unwrap().text, "billing");

    let open_ended = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{GOOD}");
    let uncounted = never(open_ended.into_bytes()).await;
    let error = failure(&uncounted, TIMEOUTS.idle).await;
    assert_eq!(error.failure, Failure::Timeout);
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_off() {
    let stored = {
        // A block of gzip that is not compressed and not the last.
        let mut block = vec![0, 0xff, 0xff, 0, 0];
        block.resize(5 + 0xffff, b' ');
        block
    };
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff].to_vec();
    for (head, first, block) in [
        ("", Vec::new(), vec![b' '; 0xffff]),
        ("content-length: 1000000000000\r\n", Vec::new(), vec![b' '; 0xffff]),
        ("content-encoding: gzip\r\n", gzip, stored),
    ] {
        let (blocks, begin) = (block.clone(), first.clone());
        let address = server(move |mut stream| {
            let (block, first) = (blocks.clone(), begin.clone());
            async move {
                let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n");
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&first).await?;
                loop {
                    stream.write_all(&block).await?;
                }
            }
        })
        .await;
        let patient = Timeouts { total: Duration::from_secs(20), ..TIMEOUTS };
        let openai = openai(&address, patient, Some(KEY));
        let error = openai.complete(&request()).await.unwrap_err();
        assert_eq!(error.failure, Failure::Unreadable, "{head}: {error}");
        assert!(error.may_be_billed);
        assert!(error.message.contains("16 MiB"), "{error}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_unreadable() {
    let whole = response("200 OK", "", GOOD);
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{\"choices\"".to_vec();
    let no_gzip = response("200 OK", "content-encoding: gzip\r\n", GOOD);
    for bytes in [whole[..whole.len() - 20].to_vec(), chunked, no_gzip] {
        let error = failure(&saying(bytes).await, Duration::ZERO).await;
        assert_eq!(error.failure, Failure::Unreadable, "{error}");
        assert!(error.may_be_billed);
    }
    // A close in the middle of an uncounted body looks like its end.
    let uncounted = format!("HTTP/1.1 200 OK\r\n\r\n{}", &GOOD[..60]);
    let error = failure(&saying(uncounted).await, Duration::ZERO).await;
    assert_eq!(error.failure, Failure::Unreadable);
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    // One stored block, the last, with its checksum and length.
    let length = u16::try_from(GOOD.len()).unwrap();
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1];
    gzip.extend(length.to_le_bytes());
    gzip.extend((!length).to_le_bytes());
    gzip.extend(GOOD.as_bytes());
    gzip.extend(crc32fast::hash(GOOD.as_bytes()).to_le_bytes());
    gzip.extend(u32::from(length).to_le_bytes());
    let bytes = response("200 OK", "content-encoding: gzip\r\n", &gzip);
    let reply = attempt(&saying(bytes).await, Duration::ZERO).await.unwrap();
    assert_eq!(reply.text, "billing");
}

#[tokio::test]
async fn a_refusal_is_read_with_its_wait_and_without_the_key() {
    let json = "content-type: application/json\r\n";
    let slow = response(
        "429 Too Many Requests",
        &format!("{json}retry-after: 7\r\n"),
        r#"{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}"#,
    );
    let error = failure(&saying(slow).await, Duration::ZERO).await;
    assert_eq!(error.failure, Failure::Throttled);
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
    assert!(!error.may_be_billed);

    let gone = r#"{"error":{"message":"…","code":"insufficient_quota"}}"#;
    let gone = response("429 Too Many Requests", json, gone);
    let error = failure(&saying(gone).await, Duration::ZERO).await;
    assert_eq!(error.failure, Failure::Quota);

    let echo = format!(
        "{{\"error\":{{\"message\":\"Key {KEY} of {KEY:.9}****ef, sk-Sentinel%2B0123456789%2Fabcdef, \
         c2stU2VudGluZWwrMDEyMzQ1Njc4OS9hYmNkZWY= or QmVhcmVyIHNrLVNlbnRpbmVsKzAxMjM0NTY3ODkvYWJjZGVm \
         is unknown\\u001b[31m\"}}}}"
    );
    for echo in [echo.clone(), echo.replace(['{', '}'], "<")] {
        let echo = response("401 Unauthorized", json, echo);
        let error = failure(&saying(echo).await, Duration::ZERO).await;
        assert_eq!(error.failure, Failure::Auth);
        assert!(error.message.contains("[key]"), "{error}");
        assert!(!error.message.contains('\u{1b}'), "{error}");
    }

    let broken = response("500 Internal Server Error", "", vec![b'x'; 100_000]);
    let error = failure(&saying(broken).await, Duration::ZERO).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Transient, false));
    assert!(error.message.chars().count() < 400, "{error}");

    let gateway = response("502 Bad Gateway", "", "");
    let error = failure(&saying(gateway).await, Duration::ZERO).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Transient, true));
    let end = "answered 502 Bad Gateway and said no more";
    assert!(error.message.ends_with(end), "{error}");
}

#[tokio::test]
async fn a_refusal_counts_before_its_body_has_come() {
    let address = server(|mut stream| async move {
        let head =
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 99\r\n\r\n{";
        stream.write_all(head.as_bytes()).await?;
        loop {
            stream.write_all(b" ").await?;
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let error = failure(&address, TIMEOUTS.idle).await;
    assert_eq!(error.failure, Failure::Throttled);
    assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn an_answer_without_a_text_is_empty_unless_it_states_a_reason() {
    let said = |reason: &str| {
        let body = json!({"choices": [{"message": {"content": ""}, "finish_reason": reason}]});
        response("200 OK", "", body.to_string())
    };
    let error = failure(&saying(said("stop")).await, Duration::ZERO).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Empty, true));
    let reply = attempt(&saying(said("length")).await, Duration::ZERO).await;
    assert_eq!(reply.unwrap().finish, Finish::Length);
    let error = failure(&saying(response("200 OK", "", "")).await, Duration::ZERO).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Unreadable, true));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = server(|_stream| async { panic!("the prompt went elsewhere") }).await;
    let redirect = response("307 Temporary Redirect", &format!("location: {elsewhere}\r\n"), "");
    let error = failure(&saying(redirect).await, Duration::ZERO).await;
    assert_eq!(error.failure, Failure::BadRequest);
    assert!(error.message.contains("base_url"), "{error}");
}

#[tokio::test]
async fn nothing_is_billed_where_nothing_was_sent() {
    // A port that was just free.
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = failure(&format!("http://127.0.0.1:{port}/v1"), Duration::ZERO).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Unreachable, false));
    assert!(error.message.contains("could not be reached"), "{error}");

    let error = failure("http://no-such-host.invalid/v1", TIMEOUTS.connect).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::UnknownHost, false), "{error}");

    // A server that closes after it received the request.
    let error = failure(&saying("").await, Duration::ZERO).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Transient, true));
}

/// On Linux, a full queue makes a host that never takes the connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_never_takes_the_connection_bills_nothing() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut held = Vec::new();
    let brief = Duration::from_millis(100);
    while let Ok(Ok(stream)) = tokio::time::timeout(brief, TcpStream::connect(address)).await {
        held.push(stream);
    }
    let error = failure(&format!("http://{address}/v1"), TIMEOUTS.connect).await;
    assert_eq!((error.failure, error.may_be_billed), (Failure::Unreachable, false));
}

#[tokio::test]
async fn a_server_without_tls_is_named_so_at_once_and_bills_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
        }
        io::Result::Ok(())
    });
    let provider = Provider {
        base_url: Some(format!("https://{address}/v1")),
        timeout: TIMEOUTS,
        ..Provider::built_in("openai").unwrap()
    };
    // On a system without certificates this fails earlier, with a message.
    if let Ok(openai) = Asked::new("local", &provider, Some(SecretString::from(KEY))) {
        let error = openai.complete(&request()).await.unwrap_err();
        assert_eq!((error.failure, error.may_be_billed), (Failure::Certificate, false));
        assert!(error.message.contains(&address.to_string()), "{error}");
        assert!(error.message.contains("write `http://` in `base_url`"), "{error}");
    }
}

#[tokio::test]
async fn the_key_is_in_no_log() {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Each test runs on one thread, so this sees everything that the test does.
    let _guard = tracing::subscriber::set_default(subscriber);

    let answers = [
        (ProviderKind::Openai, GOOD.to_owned()),
        (
            ProviderKind::OpenaiResponses,
            json!({"status": "completed", "output": [{
            "type": "message", "content": [{"type": "output_text", "text": KEY}]}]})
            .to_string(),
        ),
        (
            ProviderKind::Anthropic,
            json!({"content": [{"type": "text", "text": KEY}],
            "stop_reason": "end_turn"})
            .to_string(),
        ),
        (
            ProviderKind::Gemini,
            json!({"candidates": [{"content": {"parts": [{"text": KEY}]},
            "finishReason": "STOP"}]})
            .to_string(),
        ),
    ];
    for (kind, good) in answers {
        let asked = |address: String| {
            let provider = Provider {
                base_url: Some(address),
                kind: Some(kind),
                timeout: TIMEOUTS,
                ..Provider::built_in("openai").unwrap()
            };
            let around = Surroundings { folder: Path::new("."), environment: &[] };
            match connect("local", &provider, Some(SecretString::from(KEY)), around).unwrap() {
                Connection::Client(llm) => llm,
                _ => panic!("{kind:?} is asked over HTTP"),
            }
        };
        let echo = response("401 Unauthorized", "", format!("no such key: Bearer {KEY}"));
        let error = asked(saying(echo).await).llm.complete(&request()).await.unwrap_err();
        assert_eq!(error.failure, Failure::Auth, "{kind:?}");
        assert_no_key(&format!("{error} {error:?}"));
        let reply =
            asked(saying(response("200 OK", "", good)).await).llm.complete(&request()).await;
        assert_no_key(&format!("{:?}", reply.unwrap()));
    }
    let shown = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(shown.contains("attempt failed"), "{shown}");
    assert_no_key(&shown);
}
