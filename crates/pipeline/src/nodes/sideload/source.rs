//! Where a source is.

use crate::Server;
use model::Name;
use template::{Template, TextMap, Value};

/// A node with a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sideload {
    /// The node.
    pub node: Name,
    /// Its source.
    pub source: Source,
    /// The keys that it looks for, sorted.
    pub keys: Vec<String>,
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder.
    Folder(String),
    /// An HTTP server.
    Http {
        /// Its URL.
        url: String,
        /// User and password.
        basic: Option<(String, String)>,
    },
}

impl Source {
    /// Of the text that a script has.
    pub fn of(text: &str, server: &Server) -> Result<Source, String> {
        let (template, basic) = match scheme(text) {
            Some(_) => (text, None),
            None => {
                let endpoint = server.endpoints.get(text);
                let endpoint =
                    endpoint.ok_or_else(|| format!("Specified endpoint does not exist: {text}"))?;
                (endpoint.url.as_str(), endpoint.basic())
            }
        };
        let failed = |error: template::Error| error.to_string();
        let template = Template::text_with_json(template, "body")
            .map_err(|error| format!("failed to parse template: {}", failed(error)))?;
        let mut url = String::new();
        let nothing: &[(&str, &str)] = &[];
        template.render_value(Value::Map(&TextMap(nothing)), &mut url).map_err(failed)?;
        match scheme(&url).as_deref() {
            Some("file") => {
                let path = path(&url);
                if !path.starts_with('/') {
                    let quoted = tick::quote(&path);
                    return Err(format!("sideload source path must be absolute {quoted}"));
                }
                Ok(Source::Folder(super::content::clean(&path)))
            }
            Some("http" | "https") => Ok(Source::Http { url, basic }),
            other => Err(format!(
                "unsupported source scheme {}, must be 'file', 'http', or 'https'",
                tick::quote(other.unwrap_or_default())
            )),
        }
    }
}

/// The scheme of a URL, if it has one, in lower case.
fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let first = scheme.chars().next()?;
    let rest = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    (first.is_ascii_alphabetic() && scheme.chars().all(rest)).then(|| scheme.to_ascii_lowercase())
}

/// The path of a URL, without the host before and what follows a question mark, decoded.
fn path(url: &str) -> String {
    let rest = url.split_once(':').map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None if rest.starts_with('/') => rest,
        // It is no path.
        None => "",
    };
    let bytes = path.as_bytes();
    let (mut decoded, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources() {
        let mut server = Server::default();
        let endpoint = crate::nodes::http_post::Endpoint {
            url: "http://h/{{ .x }}a".into(),
            username: "u".into(),
            password: "p".into(),
            ..Default::default()
        };
        server.endpoints.insert("ep".into(), endpoint);
        let http = |url: &str, basic: Option<(&str, &str)>| {
            let basic = basic.map(|(user, password)| (user.to_owned(), password.to_owned()));
            Ok(Source::Http { url: url.into(), basic })
        };
        let wrong = |why: &str| Err(why.to_owned());
        for (text, expected) in [
            ("file:///a/b/../c%20d/", Ok(Source::Folder("/a/c d".into()))),
            ("FILE:/a", Ok(Source::Folder("/a".into()))),
            ("file://host/a", Ok(Source::Folder("/a".into()))),
            ("file://a", wrong("sideload source path must be absolute \"\"")),
            ("file:a", wrong("sideload source path must be absolute \"\"")),
            ("http://x/y", http("http://x/y", None)),
            ("ftp://x", wrong("unsupported source scheme \"ftp\", must be 'file', 'http', or 'https'")),
            ("ep", http("http://h/<no value>a", Some(("u", "p")))),
            ("", wrong("Specified endpoint does not exist: ")),
            ("/a/b", wrong("Specified endpoint does not exist: /a/b")),
        ] {
            assert_eq!(Source::of(text, &server), expected, "{text}");
        }
    }
}
