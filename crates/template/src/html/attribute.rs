//! What an attribute's value is, by the attribute's name.

/// Kinds of attribute value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Css,
    Html,
    Js,
    Url,
    Srcset,
    /// Decides how other content is read or sent; a template may not make its name.
    Unsafe,
}

const URL: &[&str] = &[
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "codebase",
    "data",
    "formaction",
    "href",
    "icon",
    "longdesc",
    "manifest",
    "poster",
    "profile",
    "src",
    "usemap",
    "xmlns",
];

const UNSAFE: &[&str] = &[
    "accept-charset",
    "async",
    "challenge",
    "charset",
    "content",
    "crossorigin",
    "defer",
    "enctype",
    "form",
    "formenctype",
    "formmethod",
    "formnovalidate",
    "http-equiv",
    "keytype",
    "language",
    "method",
    "novalidate",
    "pattern",
    "rel",
    "sandbox",
    "type",
    "value",
];

/// Known harmless attributes. Only those that the guesses below would take for something else
/// need to be here: names that begin with "on" or contain "src", "uri" or "url".
const PLAIN: &[&str] = &["srclang"];

/// The kind of the attribute `name`, which is in lower case.
pub(crate) fn kind(name: &str) -> Kind {
    let mut name = name;
    if let Some(rest) = name.strip_prefix("data-") {
        name = rest;
    } else if let Some((prefix, rest)) = name.split_once(':') {
        if prefix == "xmlns" {
            return Kind::Url;
        }
        name = rest;
    }
    match name {
        "style" => return Kind::Css,
        "srcdoc" => return Kind::Html,
        "srcset" => return Kind::Srcset,
        name if URL.contains(&name) => return Kind::Url,
        name if UNSAFE.contains(&name) => return Kind::Unsafe,
        name if PLAIN.contains(&name) => return Kind::Plain,
        name if name.starts_with("on") => return Kind::Js,
        _ => {}
    }
    // Custom attributes that look like links are treated as links.
    let link = ["src", "uri", "url"].iter().any(|part| name.contains(part));
    if link { Kind::Url } else { Kind::Plain }
}

const JS_TYPES: &[&str] = &[
    "application/ecmascript",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/x-ecmascript",
    "application/x-javascript",
    "module",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

/// Whether a script element of this MIME type holds JavaScript.
pub(crate) fn is_js_type(mime: &str) -> bool {
    let mime = mime.split(';').next().unwrap_or_default().to_lowercase();
    JS_TYPES.contains(&mime.trim())
}
