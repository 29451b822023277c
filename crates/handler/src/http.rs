//! What HTTP handlers share: clients, named endpoints, and how an answer becomes an error.

use crate::{DeliveryError, Error};
use reqwest::{Client, Response, StatusCode, header};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

const AGENT: &str = concat!("Farad/", env!("CARGO_PKG_VERSION"));
/// How much of an answer is read when it is to be shown.
const ANSWER_BYTES_MAX: usize = 4 << 10;
/// The longest wait that a receiver may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// A receiver of `post` that the configuration names (`[[httppost]]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Its URL; may be a template over the event.
    pub url: String,
    /// Headers of each request.
    pub headers: BTreeMap<String, String>,
    /// User of basic authentication; used when both it and the password are set.
    pub username: String,
    /// Password of basic authentication.
    pub password: String,
    /// A template of the body, in place of the event's JSON.
    pub alert_template: Option<String>,
}

/// Named endpoints.
pub type Endpoints = BTreeMap<String, Endpoint>;

/// The HTTP clients, made when they are first needed. All handlers share them and with them the
/// connections.
#[derive(Debug, Default)]
pub struct Clients {
    checking: OnceLock<Client>,
    trusting: OnceLock<Client>,
}

impl Clients {
    /// The client that checks certificates, or the one that takes any.
    pub fn get(&self, skip_verification: bool) -> Result<Client, Error> {
        let slot = if skip_verification { &self.trusting } else { &self.checking };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let client = build(skip_verification)
            .map_err(|error| Error::Invalid(format!("cannot make an HTTP client: {}", chain(&error))))?;
        Ok(slot.get_or_init(|| client).clone())
    }
}

fn build(skip_verification: bool) -> reqwest::Result<Client> {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        let builder = Client::builder()
            .user_agent(AGENT)
            // Names of headers as Kapacitor writes them: simple receivers compare them letter by letter.
            .http1_title_case_headers()
            .tcp_keepalive(Duration::from_secs(30));
        let builder =
            builder.connect_timeout(Duration::from_secs(30)).pool_idle_timeout(Duration::from_secs(90));
        builder.pool_max_idle_per_host(100)
    };
    if skip_verification {
        return builder().tls_danger_accept_invalid_certs(true).build();
    }
    // A machine without any root certificates can still use plain HTTP.
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

/// A request that got no answer. Nothing says that it stays so.
pub fn no_answer(error: &reqwest::Error) -> DeliveryError {
    let failed = DeliveryError::retryable("failed to POST alert data", chain(error));
    // A URL that is none does not become one.
    DeliveryError { retryable: !error.is_builder(), ..failed }
}

/// An error with its causes: the outermost alone rarely tells what is wrong.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// What an answer means: 2xx is success; 408, 429 and 5xx may pass; every other status stays.
pub async fn check(answer: Response, show_body: bool) -> Result<(), DeliveryError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let retry_after = retry_after(&answer);
    let body = if show_body {
        beginning(answer).await
    } else {
        "unknown error, use .captureResponse() to capture the HTTP response".to_owned()
    };
    let retryable = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    let failed =
        DeliveryError::retryable("POST returned non 2xx status code", body).with("code", status.as_u16());
    Err(DeliveryError { retryable, retry_after, ..failed })
}

/// A request that is no delivery of an alert.
#[derive(Clone, Debug)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// Headers. Of a name that is there twice the last counts.
    pub headers: &'a [(String, String)],
    /// User and password.
    pub basic: Option<&'a (String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long it may take, the answer included.
    pub timeout: Duration,
    /// The body of an answer that is not 2xx is wanted.
    pub capture: bool,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// The beginning of the body, if it was wanted.
    pub body: Vec<u8>,
}

/// Makes a request. The error says why there was no answer.
pub async fn post(clients: &Clients, post: Post<'_>) -> Result<Posted, String> {
    let client = clients.get(false).map_err(|error| error.to_string())?;
    let mut headers = header::HeaderMap::new();
    for (name, value) in post.headers {
        let wrong = || format!("invalid header {name:?}: check its name and value");
        let name = header::HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        headers.insert(name, header::HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?);
    }
    let mut request = client.post(post.url).timeout(post.timeout);
    if let Some((user, password)) = post.basic {
        request = request.basic_auth(user, Some(password));
    }
    let answer = request.headers(headers).body(post.body).send().await.map_err(|error| chain(&error))?;
    let status = answer.status();
    let wanted = post.capture && !status.is_success();
    let body = if wanted { beginning(answer).await.into_bytes() } else { Vec::new() };
    Ok(Posted { status: status.as_u16(), body })
}

/// Gets what a URL has, whatever the status, as Kapacitor does. The error says why that cannot be had,
/// or that it has more than `bytes_max` bytes.
pub async fn get(
    clients: &Clients,
    url: &str,
    basic: Option<&(String, String)>,
    timeout: Duration,
    bytes_max: usize,
) -> Result<Vec<u8>, String> {
    let mut request = clients.get(false).map_err(|error| error.to_string())?.get(url).timeout(timeout);
    if let Some((user, password)) = basic {
        request = request.basic_auth(user, Some(password));
    }
    let mut answer = request.send().await.map_err(|error| chain(&error))?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| chain(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > bytes_max {
            return Err(format!("the answer has more than {bytes_max} bytes"));
        }
    }
    Ok(body)
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

async fn beginning(mut answer: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}
