//! The client that keeps the connections to one provider: TLS, authorities, proxies, redirects; and why no
//! connection could be made, in words.

use crate::task::model::Provider;
use reqwest::{Certificate, Client, ClientBuilder, Url};
use std::error::Error;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

/// Over HTTP/2 all requests share one connection, and servers allow about 100 to 250 of them on it:
/// above this many at a time, each gets a connection of its own.
const MAX_ON_ONE_CONNECTION: usize = 64;

/// The certificates in a file.
pub(super) fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let pem = crate::source::read(path).map_err(|error| error.to_string())?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err("it holds no certificate; it must be in PEM".to_owned()),
        Err(error) => Err(causes(&error)),
    }
}

/// One client per provider: it keeps the connections.
pub(super) fn client(
    endpoint: &Url,
    provider: &Provider,
    authorities: Vec<Certificate>,
) -> Result<Client, reqwest::Error> {
    let timeouts = provider.timeout;
    // Earlier than the other deadlines, so that a host that never takes the connection is known as
    // one that was sent nothing, and bills nothing.
    let connect =
        timeouts.connect.min(timeouts.first_byte.mul_f64(0.9)).min(timeouts.total.mul_f64(0.9));
    let mut builder = builder(endpoint)
        .connect_timeout(connect)
        // Below what servers keep, so that few requests meet a connection that is being closed.
        .pool_idle_timeout(Duration::from_secs(30))
        // An attempt is one attempt: what is tried again, and at what price, is decided above.
        .retry(reqwest::retry::never());
    let secure = endpoint.scheme() == "https";
    if !secure || provider.concurrency() > MAX_ON_ONE_CONNECTION {
        builder = builder.http1_only();
    }
    if secure && !authorities.is_empty() {
        builder = builder.tls_certs_merge(authorities);
    }
    builder.build()
}

/// A client for a single request to an address.
pub(super) fn client_for_one(endpoint: &Url) -> Result<Client, reqwest::Error> {
    builder(endpoint).retry(reqwest::retry::never()).build()
}

/// What all clients have in common.
fn builder(endpoint: &Url) -> ClientBuilder {
    static PROVIDER: Once = Once::new();
    // Without it, building a client panics. An error means that one is installed already.
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = Client::builder()
        .user_agent(concat!("promptsearch/", env!("CARGO_PKG_VERSION")))
        // A redirect would take what is sent, and perhaps the key, to a host that the task does not name.
        .redirect(reqwest::redirect::Policy::none());
    if endpoint.scheme() != "https" {
        // A local server must work on a system without any certificates.
        builder = builder.tls_certs_only([]);
    }
    if is_this_machine(endpoint.host_str().unwrap_or_default()) {
        // For a proxy, this address is another machine.
        builder = builder.no_proxy();
    }
    builder
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || address.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Why there is no TLS with a server, and what to do about it, if that is what failed.
pub(super) fn tls_flaw(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(flaw) = cause.downcast_ref().and_then(handshake_flaw) {
            return Some(flaw);
        }
        // The error of a stream wraps the one of TLS without naming it as its source.
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

/// What ends every attempt to speak TLS in the same way; `None` for what may pass.
fn handshake_flaw(error: &rustls::Error) -> Option<String> {
    use rustls::AlertDescription as Alert;
    use rustls::Error as Flaw;
    let (what, remedy) = match error {
        Flaw::InvalidCertificate(flaw) => return Some(in_words(flaw)),
        Flaw::InvalidMessage(_) => (
            "does not speak TLS here".to_owned(),
            "write `http://` in `base_url`, or the port that speaks it",
        ),
        Flaw::AlertReceived(Alert::CertificateRequired) => (
            "wants a certificate of its clients, which is not built in".to_owned(),
            "reach it through a proxy that has one",
        ),
        Flaw::AlertReceived(
            alert @ (Alert::HandshakeFailure
            | Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::UnrecognisedName
            | Alert::AccessDenied
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateUnknown
            | Alert::UnknownCA),
        ) => (format!("refuses TLS ({alert:?})"), "check `base_url` and the server's settings"),
        Flaw::PeerIncompatible(flaw) => (
            format!("speaks another kind of TLS ({flaw:?})"),
            "let the server speak TLS 1.2 or 1.3",
        ),
        _ => return None,
    };
    Some(format!("{what}: {remedy}"))
}

fn in_words(flaw: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Flaw;
    let (what, remedy) = match flaw {
        Flaw::UnknownIssuer => (
            "is signed by an authority that this machine does not trust",
            "name that authority's certificate (PEM) in `ca_file`",
        ),
        Flaw::Expired | Flaw::ExpiredContext { .. } => {
            ("has expired", "renew it, or set this machine's clock")
        }
        Flaw::NotValidYet | Flaw::NotValidYetContext { .. } => {
            ("is not valid yet", "set this machine's clock")
        }
        Flaw::NotValidForName | Flaw::NotValidForNameContext { .. } => (
            "is for another name",
            "write the name that it is for in `base_url`, or make one for this name",
        ),
        Flaw::Revoked => ("was revoked", "make a new one"),
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => (
            "is an authority's own and cannot be a server's",
            "make one with `-addext basicConstraints=critical,CA:FALSE`, and name it in `ca_file`",
        ),
        other => return format!("has a certificate that cannot be trusted ({other})"),
    };
    format!("has a certificate that {what}: {remedy}")
}

/// What went wrong, down to the system's own words. The error's own line holds the address.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        // Wrappers repeat what they wrap, or only say which step it was.
        if !words.starts_with("client error") && !causes.iter().any(|said| said.contains(&words)) {
            causes.push(words);
        }
        next = cause.source();
    }
    match causes.as_slice() {
        [] => "no reason is known".to_owned(),
        causes => causes.join(": "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_in_all_its_names() {
        for host in ["localhost", "127.0.0.1", "127.8.8.8", "[::1]", "a.localhost"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["10.0.0.1", "[::2]", "localhost.example", "example.com"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
