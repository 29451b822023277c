//! `post`: sends the event as JSON in an HTTP POST.

use super::{Attempt, Built, Handler, Kind, Limits, Services};
use crate::options::Options;
use crate::view::EventView;
use crate::{DeliveryError, Endpoint, Error, OptionDef, OptionKind, http};
use alert::Delivery;
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use template::Template;

pub(super) static KIND: Kind = Kind {
    name: "post",
    method: "post",
    config: "httppost.HandlerConfig",
    summary: "sends the event as JSON in an HTTP POST",
    options: &[
        OptionDef { name: "url", kind: OptionKind::Text, summary: "where to; may be a template" },
        OptionDef { name: "endpoint", kind: OptionKind::Text, summary: "name of a configured [[httppost]]" },
        OptionDef { name: "headers", kind: OptionKind::Map, summary: "headers of the request" },
        OptionDef {
            name: "capture-response",
            kind: OptionKind::Flag,
            summary: "log the body of an error answer",
        },
        OptionDef {
            name: "timeout",
            kind: OptionKind::Duration,
            summary: "time for one request, default 30s",
        },
        OptionDef {
            name: "skip-ssl-verification",
            kind: OptionKind::Flag,
            summary: "accept any certificate",
        },
    ],
    build,
};

const TIMEOUT: Duration = Duration::from_secs(30);
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn build(options: &Options<'_>, services: &Services) -> Built {
    let endpoint = match services.endpoints.get(&options.text("endpoint")?) {
        Some(endpoint) => endpoint.clone(),
        None => Endpoint { url: options.text("url")?, ..Endpoint::default() },
    };
    if endpoint.url.is_empty() {
        return Err(Error::Invalid(
            "An appropriately formatted url must be specified if an endpoint is not specified".to_owned(),
        ));
    }
    let mut headers = HeaderMap::new();
    put_headers(&mut headers, &endpoint.headers)?;
    put_headers(&mut headers, &options.map("headers")?)?;
    let authentication = (!endpoint.username.is_empty() && !endpoint.password.is_empty())
        .then(|| (endpoint.username.clone(), endpoint.password.clone()));
    Ok(Arc::new(Post {
        client: services.clients.get(options.flag("skip-ssl-verification")?)?,
        url: parse(&endpoint.url)?,
        body: endpoint.alert_template.as_deref().map(parse).transpose()?,
        headers,
        authentication,
        capture: options.flag("capture-response")?,
        timeout: options.duration("timeout")?.filter(|timeout| !timeout.is_zero()).unwrap_or(TIMEOUT),
    }))
}

fn parse(source: &str) -> Result<Template, Error> {
    Template::text_with_json(source, "body")
        .map_err(|error| Error::Invalid(format!("failed to parse template: {error}")))
}

fn put_headers(headers: &mut HeaderMap, given: &BTreeMap<String, String>) -> Result<(), Error> {
    for (name, value) in given {
        let wrong = || {
            Error::Invalid(format!("invalid header {name:?} of handler kind post: check its name and value"))
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong())?);
    }
    Ok(())
}

struct Post {
    client: Client,
    url: Template,
    body: Option<Template>,
    headers: HeaderMap,
    authentication: Option<(String, String)>,
    capture: bool,
    timeout: Duration,
}

impl Handler for Post {
    fn limits(&self) -> Limits {
        Limits { timeout: self.timeout, concurrency_max: 8, attempts_max: None }
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> Attempt<'a> {
        Box::pin(async move {
            let mut headers = self.headers.clone();
            let (url, body) = self.render(delivery, &mut headers)?;
            if let Ok(key) = HeaderValue::from_str(&delivery.key()) {
                headers.insert(KEY, key);
            }
            let mut request = self.client.post(url);
            if let Some((username, password)) = &self.authentication {
                request = request.basic_auth(username, Some(password));
            }
            let answer = request.headers(headers).body(body).send().await;
            http::check(answer.map_err(|error| http::no_answer(&error))?, self.capture).await
        })
    }
}

impl Post {
    /// URL and body of the request; the JSON of an event announces itself as such.
    fn render(
        &self,
        delivery: &Delivery,
        headers: &mut HeaderMap,
    ) -> Result<(String, Vec<u8>), DeliveryError> {
        let view = EventView::new(&delivery.event, delivery.previous_level);
        let mut url = String::new();
        self.url
            .render(&view, &mut url)
            .map_err(|error| DeliveryError::lasting("failed to execute url template", error))?;
        let Some(template) = &self.body else {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let mut body = delivery.payload();
            body.push(b'\n');
            return Ok((url, body));
        };
        let mut body = String::new();
        template
            .render(&view, &mut body)
            .map_err(|error| DeliveryError::lasting("failed to execute alert template", error))?;
        Ok((url, body.into_bytes()))
    }
}
