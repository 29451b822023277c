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
        JsBack = "stateJSBqStr",
        JsRegexp = "stateJSRegexp",
        JsBlockComment = "stateJSBlockCmt",
        JsLineComment = "stateJSLineCmt",
        Css = "stateCSS",
        CssDouble = "stateCSSDqStr",
        CssSingle = "stateCSSSqStr",
        CssDoubleUrl = "stateCSSDqURL",
        CssSingleUrl = "stateCSSSqURL",
        CssUrl = "stateCSSURL",
        CssBlockComment = "stateCSSBlockCmt",
        CssLineComment = "stateCSSLineCmt",
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

/// A place in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub state: State,
    pub delim: Delim,
    pub url: UrlPart,
    pub slash: JsSlash,
    pub attr: Attr,
    pub element: Element,
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
        use State::{CssBlockComment, CssLineComment, HtmlComment, JsBlockComment, JsLineComment};
        matches!(self, HtmlComment | JsBlockComment | JsLineComment | CssBlockComment | CssLineComment)
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
