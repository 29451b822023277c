//! Character references in attribute values (`&quot;`, `&#34;`), decoded so that the tokenizers of
//! scripts and styles see what a browser would.
//!
//! Only the references that can change a tokenizer's state matter here, so only those for ASCII
//! punctuation are known by name; all others count as some character beyond ASCII.

const NAMED: &[(&str, char)] = &[
    ("quot;", '"'),
    ("quot", '"'),
    ("QUOT;", '"'),
    ("amp;", '&'),
    ("amp", '&'),
    ("AMP;", '&'),
    ("apos;", '\''),
    ("lt;", '<'),
    ("lt", '<'),
    ("LT;", '<'),
    ("gt;", '>'),
    ("gt", '>'),
    ("GT;", '>'),
    ("sol;", '/'),
    ("bsol;", '\\'),
    ("lpar;", '('),
    ("rpar;", ')'),
    ("lsqb;", '['),
    ("lbrack;", '['),
    ("rsqb;", ']'),
    ("rbrack;", ']'),
    ("lcub;", '{'),
    ("lbrace;", '{'),
    ("rcub;", '}'),
    ("rbrace;", '}'),
    ("grave;", '`'),
    ("num;", '#'),
    ("quest;", '?'),
    ("colon;", ':'),
    ("semi;", ';'),
    ("equals;", '='),
    ("plus;", '+'),
    ("comma;", ','),
    ("period;", '.'),
    ("excl;", '!'),
    ("dollar;", '$'),
    ("percnt;", '%'),
    ("commat;", '@'),
    ("ast;", '*'),
    ("midast;", '*'),
    ("Hat;", '^'),
    ("lowbar;", '_'),
    ("verbar;", '|'),
    ("vert;", '|'),
    ("Tab;", '\t'),
    ("NewLine;", '\n'),
    ("nbsp;", '\u{a0}'),
];

/// Decodes character references.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match reference(rest) {
            Some((c, len)) => {
                out.push(c);
                rest = &rest[len..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

fn reference(rest: &str) -> Option<(char, usize)> {
    if let Some(number) = rest.strip_prefix('#') {
        return numeric(number).map(|(c, len)| (c, len + 1));
    }
    if let Some((name, c)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((*c, name.len()));
    }
    // Every other name stands for something beyond ASCII, and it is all one which.
    let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    (len > 1 && rest[len..].starts_with(';')).then_some((char::REPLACEMENT_CHARACTER, len + 1))
}

fn numeric(text: &str) -> Option<(char, usize)> {
    let hex = text.starts_with(['x', 'X']);
    let skip = usize::from(hex);
    let radix = if hex { 16 } else { 10 };
    let digits = text[skip..].bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    if digits == 0 {
        return None;
    }
    let code = u32::from_str_radix(&text[skip..skip + digits], radix).unwrap_or(0);
    let c = char::from_u32(code).filter(|c| *c != '\0').unwrap_or(char::REPLACEMENT_CHARACTER);
    let end = skip + digits;
    Some((c, end + usize::from(text[end..].starts_with(';'))))
}
