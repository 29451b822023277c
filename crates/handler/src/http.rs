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
