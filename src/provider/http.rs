//! One attempt at one provider over HTTP: deadlines, sizes, redaction.
//!
//! It knows no protocol: a [`Protocol`] writes the body and reads the answer. No retry, no cache, no
//! accounting, no waiting for a place. Each failure says whether the provider may have billed the
//! attempt; what is done about it is decided above.

use super::address::{AddressError, endpoint, escaped, joined, named};
use super::body;
use super::connection::{authorities, causes, client, tls_flaw};
use super::credential::Credential;
use super::embeddings;
use super::protocol::{MODEL, Protocol, alone_in};
use super::refusal::Refusal;
use super::{Envelope, Failure, Llm, LlmError, Reply, Request};
use crate::clock::Clock;
use crate::task::model::{Provider, RequestForm, Timeouts, Usage};
use crate::text;
use crate::units::Usd;
use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Response, StatusCode, Url};
use secrecy::SecretString;
use serde_json::Value;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// More than any answer; a longer body has no end.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Enough of a refusal's body to know what it says.
const LARGEST_REFUSAL: usize = 64 * 1024;

/// The most bytes of the results of a batch.
const LARGEST_RESULTS: usize = 512 * 1024 * 1024;

/// A slow line, in bytes a second.
const SLOWEST: f64 = 128.0 * 1024.0;

const JSON: &str = "application/json";

/// The status is what counts in a refusal: its body is not waited for any longer.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(5);

/// The most characters of a server's own words in a message.
const WORDS: usize = 300;

/// Where a message goes.
enum Place {
    /// To where requests are sent.
    Endpoint(Url),
    /// To a path after `base_url`.
    Path(String),
}

/// What is sent: a request, or a question about a batch.
pub(super) struct Message {
    place: Place,
    /// What a POST holds, and its kind; a GET holds nothing.
    content: Option<(String, Bytes)>,
    /// The longest body of an answer.
    largest: usize,
}

impl Message {
    /// Asks for what is at a path.
    pub(super) fn get(path: &str) -> Self {
        Self { place: Place::Path(path.to_owned()), content: None, largest: LARGEST_ANSWER }
    }

    /// Asks for the results of a batch at a path.
    pub(super) fn results(path: &str) -> Self {
        Self { largest: LARGEST_RESULTS, ..Self::get(path) }
    }

    /// Sends some content to a path.
    pub(super) fn post(path: &str, kind: String, content: Bytes) -> Self {
        let place = Place::Path(path.to_owned());
        Self { place, content: Some((kind, content)), largest: LARGEST_ANSWER }
    }

    /// Sends JSON to a path.
    pub(super) fn json(path: &str, json: Bytes) -> Self {
        Self::post(path, JSON.to_owned(), json)
    }

    /// The time that it takes to send on a slow line.
    fn sending(&self) -> Duration {
        transfer(self.content.as_ref().map_or(0, |(_, bytes)| bytes.len()))
    }
}

/// The time that this many bytes take on a slow line.
fn transfer(bytes: usize) -> Duration {
    Duration::from_secs_f64(bytes as f64 / SLOWEST)
}

/// An answer with a status of success.
struct Answer {
    status: StatusCode,
    envelope: Box<Envelope>,
    body: Vec<u8>,
}

/// A provider that is asked over HTTP.
pub struct HttpProvider<P> {
    /// Its name with its host, for people.
    who: String,
    protocol: P,
    endpoint: Url,
    /// The address that paths are added to.
    base: String,
    timeouts: Timeouts,
    credential: Option<Credential>,
    /// The header that carries the key alone.
    key_header: Option<String>,
    client: Client,
}

impl<P> fmt::Debug for HttpProvider<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProvider").field("who", &self.who).finish_non_exhaustive()
    }
}

impl<P: Protocol> HttpProvider<P> {
    /// Prepares connections to `provider`; none is made yet.
    ///
    /// # Errors
    /// An address or a key that cannot be used, or a system without certificates.
    pub fn new(
        provider_name: &str,
        provider: &Provider,
        key: Option<SecretString>,
    ) -> Result<Self, AddressError> {
        let name = || provider_name.to_owned();
        let no_address = || AddressError::NoAddress { provider: name(), path: P::PATH };
        let address = provider.base_url.as_deref().ok_or_else(no_address)?;
        let endpoint = endpoint(address, P::PATH, key.as_ref())
            .map_err(|flaw| AddressError::Address { provider: name(), flaw })?;
        let key_header = provider.api_key_header.clone();
        if key.as_ref().is_some_and(|key| authorization::<P>(key_header.as_deref(), key).is_none())
        {
            return Err(AddressError::Key { provider: name() });
        }
        let authorities = match &provider.ca_file {
            Some(path) => authorities(path).map_err(|cause| AddressError::Certificates {
                provider: name(),
                path: path.clone(),
                cause,
            })?,
            None => Vec::new(),
        };
        let client = client(&endpoint, provider, authorities)
            .map_err(|error| AddressError::Client { provider: name(), cause: causes(&error) })?;
        let protocol = P::default();
        let timeouts = provider.timeout;
        Ok(Self {
            who: named(provider_name, provider),
            protocol,
            endpoint,
            base: address.trim().trim_end_matches('/').to_owned(),
            timeouts,
            credential: key.map(|key| Credential::new(provider.api_key.as_ref(), key)),
            key_header,
            client,
        })
    }

    /// The protocol.
    pub(super) fn protocol(&self) -> &P {
        &self.protocol
    }

    /// Sends a message, and once more with another key where a server refuses one that a command printed:
    /// what is refused bills nothing.
    async fn sent(&self, form: &RequestForm, message: &Message) -> Result<Answer, LlmError> {
        let Some(credential) = &self.credential else {
            return self.sent_with(form, message, None).await;
        };
        let key = credential.current().await;
        let outcome = self.sent_with(form, message, Some(&key)).await;
        match &outcome {
            Err(error) if error.failure == Failure::Auth && credential.renew(&key).await => {
                let key = credential.current().await;
                self.sent_with(form, message, Some(&key)).await
            }
            _ => outcome,
        }
    }

    /// Sends a message that is no request of its own, such as a question about a batch; returns the body of
    /// the answer.
    pub(super) async fn exchange(
        &self,
        form: &RequestForm,
        message: Message,
    ) -> Result<Vec<u8>, LlmError> {
        Ok(self.exchange_with_envelope(form, message).await?.0)
    }

    /// Like [`exchange`](Self::exchange), with what came beside the body.
    ///
    /// # Errors
    /// As for [`exchange`](Self::exchange).
    pub(super) async fn exchange_with_envelope(
        &self,
        form: &RequestForm,
        message: Message,
    ) -> Result<(Vec<u8>, Box<Envelope>), LlmError> {
        // Files of batches are large: the deadlines are for what comes beside them.
        let received = if message.largest == LARGEST_RESULTS { LARGEST_RESULTS } else { 0 };
        let total = self.timeouts.total + message.sending() + transfer(received);
        match timeout(total, self.sent(form, &message)).await {
            Ok(outcome) => outcome.map(|answer| (answer.body, answer.envelope)),
            Err(_) => Err(self.too_late("did not end its answer within", total)),
        }
    }

    /// What a status and a body say.
    pub(super) fn read(&self, status: u16, body: &[u8]) -> Result<Reply, LlmError> {
        let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let reply = if code.is_success() {
            self.protocol.reply(body)
        } else {
            let (headers, now) = (HeaderMap::new(), Clock::System.now());
            Err(self.protocol.refusal(status, &headers, body, now))
        };
        let error =
            |refusal| LlmError { usage: self.used(false, body), ..self.error(code, refusal) };
        Ok(self.without_key(reply.map_err(error)?))
    }

    /// What a body says that was used, which is no answer; of an answer that broke off, more may be billed.
    fn used(&self, asks_vectors: bool, body: &[u8]) -> Option<Usage> {
        let value = match body::json(body)? {
            // Gemini wraps an error in a list.
            Value::Array(mut list) if !list.is_empty() => list.swap_remove(0),
            value => value,
        };
        let counted = |value: &Value| match asks_vectors {
            true => embeddings::usage(value),
            false => self.protocol.usage(value),
        };
        counted(&value).or_else(|| counted(&value["error"]))
    }

    /// What a target says in a body that an attempt cost.
    fn said(&self, body: &[u8]) -> Option<Usd> {
        self.protocol.usd(&body::json(body)?)
    }

    /// The address of a message: a path after `base_url`.
    fn address_of(&self, path: &str) -> Result<Url, LlmError> {
        Url::parse(&joined(&self.base, path)).map_err(|error| {
            let words = format!("cannot be asked for `{path}`: {error}");
            self.failed(Failure::BadRequest, false, &words)
        })
    }

    /// The address of a request: its model may be in the path.
    fn endpoint_of(&self, request: &Request) -> Url {
        let mut endpoint = self.endpoint.clone();
        if P::PATH.contains(MODEL) {
            // As it stands in an address that was parsed.
            let place = escaped(MODEL);
            let path = endpoint.path().replace(&place, &escaped(request.model.model()));
            endpoint.set_path(&path);
        }
        endpoint
    }

    async fn attempt(&self, request: &Request) -> Result<Reply, LlmError> {
        let asks_vectors = request.form.asks_vectors();
        let (place, body) = if !asks_vectors {
            (Place::Endpoint(self.endpoint_of(request)), self.protocol.body(request))
        } else if P::HAS_EMBEDDINGS {
            (Place::Path(embeddings::PATH.to_owned()), embeddings::body(request))
        } else {
            return Err(self.failed(Failure::BadRequest, false, "speaks no embeddings"));
        };
        let content = Some((JSON.to_owned(), body));
        let message = Message { place, content, largest: LARGEST_ANSWER };
        let answer = self.sent(&request.form, &message).await.map_err(not_found_hint)?;
        let reply = match asks_vectors {
            true => embeddings::read(&answer.body, request),
            false => self.protocol.reply(&answer.body),
        };
        let reply = reply.map_err(|refusal| LlmError {
            envelope: Box::new(Envelope {
                usd: self.said(&answer.body),
                ..(*answer.envelope).clone()
            }),
            usage: self.used(asks_vectors, &answer.body),
            ..self.error(answer.status, refusal)
        })?;
        // Vectors hold none of a server's words.
        let mut reply = if asks_vectors { reply } else { self.without_key(reply) };
        let Envelope { usd, trajectory, .. } = *std::mem::take(&mut reply.envelope);
        let envelope = Box::new(Envelope { usd, trajectory, ..*answer.envelope });
        Ok(Reply { envelope, ..reply })
    }

    async fn sent_with(
        &self,
        form: &RequestForm,
        message: &Message,
        key: Option<&SecretString>,
    ) -> Result<Answer, LlmError> {
        let mut endpoint = match &message.place {
            Place::Endpoint(endpoint) => endpoint.clone(),
            Place::Path(path) => self.address_of(path)?,
        };
        if !form.query().is_empty() {
            endpoint.query_pairs_mut().extend_pairs(form.query());
        }
        let mut sending = match &message.content {
            Some((kind, body)) => {
                self.client.post(endpoint).header(CONTENT_TYPE, kind).body(body.clone())
            }
            None => self.client.get(endpoint),
        };
        sending = sending.header(ACCEPT, HeaderValue::from_static(JSON));
        let is_own = |name: &str| form.headers().keys().any(|own| own.eq_ignore_ascii_case(name));
        for (name, value) in P::HEADERS.iter().filter(|(name, _)| !is_own(name)) {
            sending = sending.header(*name, *value);
        }
        for (name, value) in form.headers() {
            sending = sending.header(name, value);
        }
        if let Some((name, value)) =
            key.and_then(|key| authorization::<P>(self.key_header.as_deref(), key))
        {
            sending = sending.header(name, value);
        }
        let first_byte = self.timeouts.first_byte + message.sending();
        let sent = Instant::now();
        let response = match timeout(first_byte, sending.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.not_answered(&error)),
            Err(_) => return Err(self.too_late("did not begin to answer within", first_byte)),
        };
        let (status, now) = (response.status(), Clock::System.now());
        let envelope =
            Box::new(Envelope::of(status.as_u16(), response.headers(), sent.elapsed(), now));
        if !status.is_success() {
            let error = self.refused(form, response).await;
            let envelope = Box::new(Envelope { usd: error.envelope.usd, ..*envelope });
            return Err(LlmError { envelope, ..error });
        }
        let body = self.body(response, message.largest).await;
        let body = body.map_err(|error| LlmError { envelope: envelope.clone(), ..error })?;
        Ok(Answer { status, envelope, body })
    }

    /// A proxy may repeat the headers of a request in its answer: no key comes in with one. The texts are
    /// decoded here, so that no escape and no chunk hides it.
    fn without_key(&self, reply: Reply) -> Reply {
        match &self.credential {
            Some(credential) => {
                let text = credential.redact_answer(&reply.text);
                if text != reply.text {
                    tracing::warn!(
                        provider = self.who,
                        "an answer held the key, which is taken out"
                    );
                }
                let mut envelope = reply.envelope;
                for step in &mut envelope.trajectory {
                    step.by = credential.redact_answer(&step.by);
                    step.text = credential.redact_answer(&step.text);
                }
                Reply { text, why: credential.redact(&reply.why), envelope, ..reply }
            }
            None => reply,
        }
    }

    /// A server's own words without the provider's keys.
    fn redacted(&self, words: &str) -> String {
        let credential = self.credential.as_ref();
        credential.map_or_else(|| words.to_owned(), |credential| credential.redact(words))
    }

    /// A name of the server's without the provider's keys.
    pub(super) fn without_key_in(&self, text: &str) -> String {
        let credential = self.credential.as_ref();
        credential.map_or_else(|| text.to_owned(), |credential| credential.redact_answer(text))
    }

    /// The whole body of an answer.
    async fn body(&self, mut response: Response, largest: usize) -> Result<Vec<u8>, LlmError> {
        let (mut body, began) = (Vec::new(), Instant::now());
        loop {
            match timeout(self.timeouts.idle, response.chunk()).await {
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => return Ok(body),
                Ok(Err(error)) => {
                    let cause = causes(&error);
                    let words = format!("broke off its answer after {} bytes: {cause}", body.len());
                    return Err(self.failed(Failure::Unreadable, true, &words));
                }
                Err(_) => {
                    return Err(self
                        .too_late("broke off its answer and was silent for", self.timeouts.idle));
                }
            }
            let limit = self.timeouts.total + transfer(body.len());
            if began.elapsed() > limit {
                return Err(self.too_late("did not end its answer within", limit));
            }
            if body.len() > largest {
                let words = format!("its answer has no end: more than {} MiB", largest >> 20);
                return Err(self.failed(Failure::Unreadable, true, &words));
            }
        }
    }

    /// A status that is not a success, with as much of its body as comes in time.
    async fn refused(&self, form: &RequestForm, mut response: Response) -> LlmError {
        let mut body = Vec::new();
        let reading = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                body.extend_from_slice(&chunk);
                if body.len() > LARGEST_REFUSAL {
                    break;
                }
            }
        };
        let patience = REFUSAL_DEADLINE.min(self.timeouts.idle);
        // Whether it ended in time or not, what was read is what there is to say.
        let _ = timeout(patience, reading).await;
        let status = response.status();
        let now = Clock::System.now();
        let refusal = self.protocol.refusal(status.as_u16(), response.headers(), &body, now);
        let usage = self.used(form.asks_vectors(), &body);
        let envelope = Box::new(Envelope { usd: self.said(&body), ..Envelope::default() });
        let error = LlmError { usage, envelope, ..self.error(status, refusal) };
        let location = response.headers().get(LOCATION).filter(|_| status.is_redirection());
        match location.and_then(|location| location.to_str().ok()) {
            Some(location) => {
                LlmError { message: self.redirected(error.message, location), ..error }
            }
            None => error,
        }
    }

    /// A message with the address that a server redirects to, as it would be written into the task.
    fn redirected(&self, message: String, location: &str) -> String {
        let Some(target) = self.endpoint.join(location).ok().filter(Url::has_host) else {
            return message;
        };
        // What may hold a key or a password stays out.
        let (host, path) = (target.origin().ascii_serialization(), target.path());
        let added = self.endpoint.as_str().strip_prefix(self.base.as_str()).unwrap_or_default();
        let base = match path.strip_suffix(added) {
            Some(base) if !added.is_empty() => format!("{host}{base}"),
            _ => format!("{host}{}", path.trim_end_matches('/')),
        };
        let base = self.redacted(&text::shorten(&text::one_line(&base), WORDS));
        format!(
            "{message}; it redirects to {base}: if you mean that server, write it as `base_url`"
        )
    }

    /// A server's own words as an error.
    fn error(&self, status: StatusCode, refusal: Refusal) -> LlmError {
        let what = match refusal.words {
            words if status.is_success() => words,
            words if words.trim().is_empty() => format!("answered {status} and said no more"),
            words => format!("answered {status}: {words}"),
        };
        let error = self.failed(refusal.failure, refusal.may_be_billed, &what);
        LlmError {
            retry_after: refusal.retry_after,
            refused_field: refusal.refused_field.map(String::into_boxed_str),
            ..error
        }
    }

    /// No answer came: either nothing was sent, or the connection broke under the request.
    fn not_answered(&self, error: &reqwest::Error) -> LlmError {
        let cause = causes(error);
        if let Some(flaw) = tls_flaw(error) {
            return self.failed(Failure::Certificate, false, &flaw);
        }
        if cause.contains("dns error") {
            let host = self.endpoint.host_str().unwrap_or_default();
            let words = format!(
                "could not be found: no address is known for `{host}`; check `base_url`, the network \
                 and, behind a proxy, HTTPS_PROXY ({cause})"
            );
            return self.failed(Failure::UnknownHost, false, &words);
        }
        if error.is_connect() {
            let words = format!("could not be reached: {cause}");
            return self.failed(Failure::Unreachable, false, &words);
        }
        let hint = match self.endpoint.scheme() {
            // A port of TLS answers so to a request without it.
            "http" => "; if it speaks TLS, write `https://` in `base_url`",
            _ => "",
        };
        let words = format!("broke the connection without an answer: {cause}{hint}");
        self.failed(Failure::Transient, true, &words)
    }

    fn too_late(&self, what: &str, limit: Duration) -> LlmError {
        let words = format!("{what} {}", text::duration(limit));
        self.failed(Failure::Timeout, true, &words)
    }

    /// The only place where a message is made, so that none gets out with the key in it.
    pub(super) fn failed(&self, failure: Failure, may_be_billed: bool, words: &str) -> LlmError {
        let redacted = |words: &str| self.redacted(words);
        LlmError::redacted(&self.who, (failure, may_be_billed), (words, WORDS), redacted)
    }
}

/// An error of a request to a model, with what to check where the server knows no such place.
fn not_found_hint(error: LlmError) -> LlmError {
    match error.envelope.status {
        Some(404 | 405) => {
            let message = error.message + "; check `base_url` and the model's name";
            LlmError { message, ..error }
        }
        _ => error,
    }
}

#[async_trait]
impl<P: Protocol> Llm for HttpProvider<P> {
    async fn complete(&self, request: &Request) -> Result<Reply, LlmError> {
        let total = self.timeouts.total;
        match timeout(total, self.attempt(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.too_late("did not end its answer within", total)),
        }
    }
}

/// The header that carries a key; `None` where no header takes it.
fn authorization<P: Protocol>(
    header: Option<&str>,
    key: &SecretString,
) -> Option<(HeaderName, HeaderValue)> {
    let (name, mut value) = match header {
        Some(header) => alone_in(header, key)?,
        None => P::authorization(key)?,
    };
    // Not shown by `Debug`, and left out of the compression tables of HTTP/2.
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::gemini::Gemini;
    use crate::provider::openai::OpenAi;
    use crate::provider::protocol::tests::request;

    type Asked = HttpProvider<OpenAi>;

    fn provider(address: &str) -> Provider {
        Provider { base_url: Some(address.to_owned()), ..Provider::built_in("openai").unwrap() }
    }

    #[test]
    fn an_address_with_a_key_in_it_is_refused_and_not_repeated() {
        let key = SecretString::from("sk-sentinel");
        for address in [
            "https://sk-sentinel@host.example/v1",
            "https://user:sk-sentinel@host.example/v1",
            "https://host.example/v1?key=sk-sentinel",
            "https://host.example/v1?key=other-sentinel",
            "https://host.example/sk-sentinel/v1",
            "https://host.example/v1#sk-sentinel",
            "sk-sentinel",
            "file:///sk-sentinel",
            "https://",
        ] {
            let error = Asked::new("cloud", &provider(address), Some(key.clone())).unwrap_err();
            assert!(error.to_string().contains("`cloud`"), "{address}");
            assert!(matches!(error, AddressError::Address { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("sentinel"), "{error}");
        }
        let whole = provider("https://host.example/v1/chat/completions/");
        let error = Asked::new("cloud", &whole, None).unwrap_err().to_string();
        assert!(error.contains("must stop before /chat/completions"), "{error}");
    }

    #[test]
    fn a_key_that_no_header_takes_is_refused_and_not_repeated() {
        for key in ["", " ", "sentinel\n", "sentinel\r\nX: y"] {
            let key = Some(SecretString::from(key));
            let error = Asked::new("local", &provider("http://127.0.0.1:1/v1"), key).unwrap_err();
            assert!(matches!(error, AddressError::Key { .. }));
            assert!(!format!("{error} {error:?}").contains("sentinel"));
        }
    }

    #[test]
    fn the_key_is_not_in_debug_output() {
        let key = Some(SecretString::from("sk-sentinel-123"));
        let openai = Asked::new("local", &provider("http://127.0.0.1:1/v1/"), key).unwrap();
        assert_eq!(openai.endpoint.as_str(), "http://127.0.0.1:1/v1/chat/completions");
        let sent = authorization::<OpenAi>(None, &SecretString::from("sk-sentinel-123"));
        let shown = format!("{openai:?} {sent:?}");
        assert!(shown.contains("127.0.0.1:1"), "{shown}");
        assert!(!shown.contains("sentinel"), "{shown}");
    }

    #[test]
    fn the_models_name_in_an_address_leads_nowhere_else() {
        let provider = Provider {
            base_url: Some("https://host.example/v1beta/".to_owned()),
            ..Provider::built_in("gemini").unwrap()
        };
        let gemini = HttpProvider::<Gemini>::new("g", &provider, None).unwrap();
        let address = |model| {
            let kind = crate::task::model::ProviderKind::Gemini;
            gemini.endpoint_of(&request(kind, "", model, None)).to_string()
        };
        for (model, step) in [
            ("gemini-2.5-flash", "gemini-2.5-flash"),
            ("../../x?key=y#z", "..%2F..%2Fx%3Fkey%3Dy%23z"),
            ("{model}", "%7Bmodel%7D"),
            ("ä%2F", "%C3%A4%252F"),
        ] {
            let expected = format!("https://host.example/v1beta/models/{step}:generateContent");
            assert_eq!(address(model), expected);
        }
        let whole = Provider {
            base_url: Some("https://host.example/models/m:generateContent".to_owned()),
            ..provider
        };
        let error = HttpProvider::<Gemini>::new("g", &whole, None).unwrap_err().to_string();
        assert!(
            error.contains("must stop before /v1beta/models/{model}:generateContent"),
            "{error}"
        );
    }
}
