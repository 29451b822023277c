//! The access log: a line a request, with Kapacitor's keys.

use http::header::{REFERER, USER_AGENT};
use http::{HeaderName, Request, StatusCode, Uri};
use std::net::SocketAddr;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use template::number::{format_duration, format_time_rfc3339nano};

/// What is logged of a request, kept until its answer is known.
pub struct Access {
    host: String,
    method: String,
    uri: String,
    protocol: String,
    referer: String,
    user_agent: String,
    started: Instant,
}

impl Access {
    /// Notes what the request says of itself.
    pub fn of<B>(request: &Request<B>, peer: SocketAddr) -> Access {
        let header = |name: HeaderName| {
            let value = request.headers().get(name).and_then(|value| value.to_str().ok());
            value.filter(|value| !value.is_empty()).unwrap_or("-").to_owned()
        };
        Access {
            host: peer.ip().to_string(),
            method: request.method().to_string(),
            uri: without_password(request.uri()),
            protocol: format!("{:?}", request.version()),
            referer: header(REFERER),
            user_agent: header(USER_AGENT),
            started: Instant::now(),
        }
    }

    /// Logs it.
    pub fn log(self, status: StatusCode, request_id: &str) {
        let took = self.started.elapsed();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut start = String::new();
        format_time_rfc3339nano(&mut start, nanos(now.saturating_sub(took)));
        let mut duration = String::new();
        format_duration(&mut duration, nanos(took));
        tracing::info!(
            host = self.host,
            username = "-",
            start,
            method = self.method,
            uri = self.uri,
            protocol = self.protocol,
            status = status.as_u16(),
            referer = self.referer,
            "user-agent" = self.user_agent,
            "request-id" = request_id,
            duration,
            "http request"
        );
    }
}

fn nanos(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Clients of InfluxDB send their password in the query: it does not belong into a log.
fn without_password(uri: &Uri) -> String {
    let uri = uri.to_string();
    let Some((path, query)) = uri.split_once('?') else { return uri };
    if !query.contains("p=") {
        return uri;
    }
    let shown = query.split('&').map(|pair| if pair.starts_with("p=") { "p=[REDACTED]" } else { pair });
    format!("{path}?{}", shown.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_logged() {
        for (uri, expected) in [
            ("/write?db=a", "/write?db=a"),
            ("/write?p=secret&db=a", "/write?p=[REDACTED]&db=a"),
            ("/write?rp=a", "/write?rp=a"),
        ] {
            assert_eq!(without_password(&Uri::from_static(uri)), expected);
        }
    }
}
