//! The one list of escapers, and how a value becomes the text they work on.

use std::borrow::Cow;

use super::{css, js, markup, url};
use crate::format;
use crate::value::{Content, Value};

/// A function that makes a value safe for one kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Escaper {
    Attr,
    Comment,
    Css,
    CssValue,
    Html,
    HtmlName,
    JsRegexp,
    JsString,
    JsTemplate,
    JsValue,
    NoSpace,
    Rcdata,
    Srcset,
    Url,
    UrlFilter,
    UrlNormalizer,
}

const NAMES: &[(Escaper, &str)] = &[
    (Escaper::Attr, "_html_template_attrescaper"),
    (Escaper::Comment, "_html_template_commentescaper"),
    (Escaper::Css, "_html_template_cssescaper"),
    (Escaper::CssValue, "_html_template_cssvaluefilter"),
    (Escaper::Html, "_html_template_htmlescaper"),
    (Escaper::HtmlName, "_html_template_htmlnamefilter"),
    (Escaper::JsRegexp, "_html_template_jsregexpescaper"),
    (Escaper::JsString, "_html_template_jsstrescaper"),
    (Escaper::JsTemplate, "_html_template_jstmpllitescaper"),
    (Escaper::JsValue, "_html_template_jsvalescaper"),
    (Escaper::NoSpace, "_html_template_nospaceescaper"),
    (Escaper::Rcdata, "_html_template_rcdataescaper"),
    (Escaper::Srcset, "_html_template_srcsetescaper"),
    (Escaper::Url, "_html_template_urlescaper"),
    (Escaper::UrlFilter, "_html_template_urlfilter"),
    (Escaper::UrlNormalizer, "_html_template_urlnormalizer"),
];

impl Escaper {
    /// The name under which Go puts it into a pipeline.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|entry| entry.0 == self).map_or("", |entry| entry.1)
    }

    /// Escapes the arguments, joined as `print` joins them.
    pub fn apply(self, args: &[Value<'_>]) -> String {
        match self {
            Escaper::Attr => markup::attr(args),
            Escaper::Comment => String::new(),
            Escaper::Css => css::escape(args),
            Escaper::CssValue => css::filter(args),
            Escaper::Html => markup::text(args),
            Escaper::HtmlName => markup::name(args),
            Escaper::JsRegexp => js::regexp(args),
            Escaper::JsString => js::string(args),
            Escaper::JsTemplate => js::template(args),
            Escaper::JsValue => js::value(args),
            Escaper::NoSpace => markup::nospace(args),
            Escaper::Rcdata => markup::rcdata(args),
            Escaper::Srcset => url::srcset(args),
            Escaper::Url => url::escape(args, false),
            Escaper::UrlFilter => url::filter(args),
            Escaper::UrlNormalizer => url::escape(args, true),
        }
    }

    /// Whether `next` would change nothing after this one.
    pub fn makes_redundant(self, next: Escaper) -> bool {
        match self {
            Escaper::Comment => matches!(next, Escaper::Attr | Escaper::Html),
            Escaper::Css | Escaper::JsRegexp | Escaper::JsString | Escaper::JsTemplate => {
                next == Escaper::Attr
            }
            Escaper::Url => next == Escaper::UrlNormalizer,
            _ => false,
        }
    }
}

/// What a text is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    /// Nothing is known.
    Text,
    /// A safe string of this content.
    Safe(Content),
}

/// The arguments as one text. Nils leave nothing, where `print` would leave `<nil>`.
pub(super) fn stringify<'v>(args: &'v [Value<'_>]) -> (Cow<'v, str>, Plain) {
    match args {
        [Value::Str(text)] => (Cow::Borrowed(text), Plain::Text),
        [Value::Safe(content, text)] => (Cow::Borrowed(text), Plain::Safe(*content)),
        args => {
            let some: Vec<Value<'_>> =
                args.iter().filter(|arg| !matches!(arg, Value::Nil)).cloned().collect();
            (Cow::Owned(format::print(&some)), Plain::Text)
        }
    }
}
