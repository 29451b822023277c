//! Where in an HTML document a piece of template stands.

use std::fmt;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $first:ident = $first_text:literal, $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) enum $name { #[default] $first, $($variant,)* }

        impl $name {
            /// Go's name, which error texts show.
            pub fn text(self) -> &'static str {
                match self { $name::$first => $first_text, $($name::$variant => $text,)* }
            }
        }
    };
}

named! {
    /// The innermost syntax.
    State {
        Text = "stateText",
        Tag = "stateTag",
        AttrName = "stateAttrName",
        AfterName = "stateAfterName",
        BeforeValue = "stateBeforeValue",
        HtmlComment = "stateHTMLCmt",
        Rcdata = "stateRCDATA",
        Attr = "stateAttr",
        Url = "stateURL",
        Srcset = "stateSrcset",
        Js = "stateJS",
        JsDouble = "stateJSDqStr",
        JsSingle = "stateJSSqStr",
        JsTemplate = "stateJSTmplLit",
        JsRegexp = "stateJSRegexp",
        JsBlockComment = "stateJSBlockCmt",
        JsLineComment = "stateJSLineCmt",
        JsHtmlOpenComment = "stateJSHTMLOpenCmt",
        JsHtmlCloseComment = "stateJSHTMLCloseCmt",
        Css = "stateCSS",
        CssDouble = "stateCSSDqStr",
        CssSingle = "stateCSSSqStr",
        CssDoubleUrl = "stateCSSDqURL",
        CssSingleUrl = "stateCSSSqURL",
        CssUrl = "stateCSSURL",
        CssBlockComment = "stateCSSBlockCmt",
        CssLineComment = "stateCSSLineCmt",
        Error = "stateError",
        Dead = "stateDead",
    }
}

named! {
    /// What ends the attribute value.
    Delim {
        None = "delimNone",
        DoubleQuote = "delimDoubleQuote",
        SingleQuote = "delimSingleQuote",
        SpaceOrTagEnd = "delimSpaceOrTagEnd",
    }
}

named! {
    /// How far into a URL.
    UrlPart {
        None = "urlPartNone",
        PreQuery = "urlPartPreQuery",
        QueryOrFrag = "urlPartQueryOrFrag",
        Unknown = "urlPartUnknown",
    }
}

named! {
    /// Whether a slash starts a regular expression or divides.
    JsSlash {
        Regexp = "jsCtxRegexp",
        DivOp = "jsCtxDivOp",
        Unknown = "jsCtxUnknown",
    }
}

named! {
    /// What kind of attribute.
    Attr {
        None = "attrNone",
        Script = "attrScript",
        ScriptType = "attrScriptType",
        Style = "attrStyle",
        Url = "attrURL",
        Srcset = "attrSrcset",
    }
}

named! {
    /// Elements whose content is not ordinary HTML.
    Element {
        None = "elementNone",
        Script = "elementScript",
        Style = "elementStyle",
        Textarea = "elementTextarea",
        Title = "elementTitle",
    }
}

/// Template literals within one another that can be followed; scripts nest two at most.
const LITERALS_MAX: usize = 8;

/// The braces open within each `${` of the template literals around a place in a script, which
/// tell whether a closing brace ends the interpolation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Braces {
    open: [u16; LITERALS_MAX],
    literals: u8,
}

impl Braces {
    /// Steps into an interpolation; false when it is too deep.
    pub fn enter(&mut self) -> bool {
        let Some(open) = self.open.get_mut(usize::from(self.literals)) else {
            return false;
        };
        *open = 0;
        self.literals += 1;
        true
    }

    /// An opening brace, which outside literals is nobody's business.
    pub fn open(&mut self) {
        if let Some(open) = self.innermost() {
            *open = open.saturating_add(1);
        }
    }

    /// A closing brace; true when it ends an interpolation.
    pub fn close(&mut self) -> bool {
        match self.innermost() {
            None => false,
            Some(0) => {
                self.literals -= 1;
                true
            }
            Some(open) => {
                *open -= 1;
                false
            }
        }
    }

    fn innermost(&mut self) -> Option<&mut u16> {
        usize::from(self.literals).checked_sub(1).and_then(|index| self.open.get_mut(index))
    }
}

/// A place in a document.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    pub state: State,
    pub delim: Delim,
    pub url: UrlPart,
    pub slash: JsSlash,
    pub attr: Attr,
    pub element: Element,
    pub braces: Braces,
    /// Index of what went wrong, if the state is `Error`.
    pub trouble: Option<u32>,
}

/// As in Go, places that differ in their braces only are the same.
impl PartialEq for Context {
    fn eq(&self, other: &Context) -> bool {
        self.state == other.state
            && self.delim == other.delim
            && self.url == other.url
            && self.slash == other.slash
            && self.attr == other.attr
            && self.element == other.element
            && self.trouble == other.trouble
    }
}

impl Context {
    /// Inside a tag, past an attribute.
    pub fn in_tag(element: Element) -> Context {
        Context { state: State::Tag, element, ..Context::default() }
    }

    /// The name of `template` when it starts here: each starting context has its own copy.
    pub fn mangle(&self, template: &str) -> String {
        if self.state == State::Text {
            return template.to_owned();
        }
        let mut name = format!("{template}$htmltemplate_{}", self.state.text());
        let parts = [
            (self.delim != Delim::None, self.delim.text()),
            (self.url != UrlPart::None, self.url.text()),
            (self.slash != JsSlash::Regexp, self.slash.text()),
            (self.attr != Attr::None, self.attr.text()),
            (self.element != Element::None, self.element.text()),
        ];
        for (_, text) in parts.iter().filter(|(present, _)| *present) {
            name.push('_');
            name.push_str(text);
        }
        name
    }

    /// Where the first character of an action's output will stand.
    pub fn nudge(mut self) -> Context {
        match self.state {
            State::Tag => self.state = State::AttrName,
            State::BeforeValue => {
                self.state = self.attr.value_state();
                self.delim = Delim::SpaceOrTagEnd;
                self.attr = Attr::None;
            }
            State::AfterName => {
                self.state = State::AttrName;
                self.attr = Attr::None;
            }
            _ => {}
        }
        self
    }
}

impl Attr {
    /// The state in which the attribute's value is read.
    pub fn value_state(self) -> State {
        match self {
            Attr::None | Attr::ScriptType => State::Attr,
            Attr::Script => State::Js,
            Attr::Style => State::Css,
            Attr::Url => State::Url,
            Attr::Srcset => State::Srcset,
        }
    }
}

impl State {
    pub fn is_comment(self) -> bool {
        use State::{CssBlockComment, CssLineComment, HtmlComment, JsBlockComment};
        self.is_js_line_comment()
            || matches!(self, HtmlComment | JsBlockComment | CssBlockComment | CssLineComment)
    }

    /// A comment of a script that ends with its line, after `//`, `#!`, `<!--` or `-->`.
    pub fn is_js_line_comment(self) -> bool {
        matches!(self, State::JsLineComment | State::JsHtmlOpenComment | State::JsHtmlCloseComment)
    }

    /// Inside a string, template or regular expression literal of a script.
    pub fn is_js_literal(self) -> bool {
        matches!(self, State::JsDouble | State::JsSingle | State::JsTemplate | State::JsRegexp)
    }

    pub fn is_in_tag(self) -> bool {
        use State::{AfterName, Attr, AttrName, BeforeValue, Tag};
        matches!(self, Tag | AttrName | AfterName | BeforeValue | Attr)
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{{} {} {} {} {} {} <nil>}}",
            self.state.text(),
            self.delim.text(),
            self.url.text(),
            self.slash.text(),
            self.attr.text(),
            self.element.text()
        )
    }
}
