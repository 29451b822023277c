//! Patterns of lists, as Go's `path.Match` reads them: `*`, `?`, `[a-z]`, `[^a]`, `\x`. A star
//! does not cross a slash.

/// The pattern is not one.
#[derive(Debug, PartialEq, Eq)]
pub struct BadPattern;

/// Whether a name matches as a whole. A mistake in the pattern is only found as far as the name
/// makes it necessary to read, as in Go.
pub fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when a star must take one more character.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        let step = match name.get(n) {
            None if p == pattern.len() => return Ok(true),
            None => None,
            Some(&c) => one(&pattern[p..], c)?,
        };
        if let Some(read) = step {
            p += read;
            n += 1;
            continue;
        }
        match star {
            Some((after, at)) if name.get(at).is_some_and(|&c| c != '/') => {
                star = Some((after, at + 1));
                (p, n) = (after, at + 1);
            }
            _ => return check(&pattern[p..]).map(|()| false),
        }
    }
}

/// How much of the pattern stands for `c`; `None` when it does not match.
fn one(pattern: &[char], c: char) -> Result<Option<usize>, BadPattern> {
    match pattern {
        [] => Ok(None),
        ['?', ..] => Ok((c != '/').then_some(1)),
        ['[', class @ ..] => {
            let (matched, read) = in_class(class, c)?;
            Ok(matched.then_some(read + 1))
        }
        ['\\', escaped, ..] => Ok((*escaped == c).then_some(2)),
        ['\\'] => Err(BadPattern),
        [literal, ..] => Ok((*literal == c).then_some(1)),
    }
}

/// Whether a class has `c`, and how long the class is, its `]` included.
fn in_class(class: &[char], c: char) -> Result<(bool, usize), BadPattern> {
    let negated = class.first() == Some(&'^');
    let mut at = usize::from(negated);
    let mut found = false;
    let mut ranges = 0;
    loop {
        if class.get(at) == Some(&']') && ranges > 0 {
            return Ok((found != negated, at + 1));
        }
        let low = bound(class, &mut at)?;
        let mut high = low;
        if class.get(at) == Some(&'-') {
            at += 1;
            high = bound(class, &mut at)?;
        }
        found |= (low..=high).contains(&c);
        ranges += 1;
    }
}

fn bound(class: &[char], at: &mut usize) -> Result<char, BadPattern> {
    let escaped = class.get(*at) == Some(&'\\');
    *at += usize::from(escaped);
    let c = *class.get(*at).ok_or(BadPattern)?;
    if !escaped && (c == '-' || c == ']') {
        return Err(BadPattern);
    }
    *at += 1;
    // A class that is not closed is a mistake even when it is the last thing read.
    if *at >= class.len() { Err(BadPattern) } else { Ok(c) }
}

/// Checks the rest of a pattern that did not match.
fn check(mut pattern: &[char]) -> Result<(), BadPattern> {
    while let Some(first) = pattern.first() {
        let read = match first {
            '[' => in_class(&pattern[1..], '\0')?.1 + 1,
            '\\' if pattern.len() < 2 => return Err(BadPattern),
            '\\' => 2,
            _ => 1,
        };
        pattern = &pattern[read..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go() {
        for (pattern, name, expected) in [
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*", "a", Ok(true)),
            ("a*", "ab/c", Ok(false)),
            ("a*/b", "abc/b", Ok(true)),
            ("a*/b", "a/c/b", Ok(false)),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Ok(true)),
            ("a*b?c*x", "abxbbxdbxebxczzy", Ok(false)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[b-d]", "abc", Ok(true)),
            ("ab[e-g]", "abc", Ok(false)),
            ("ab[^c]", "abc", Ok(false)),
            ("ab[^e-g]", "abc", Ok(true)),
            ("a\\*b", "a*b", Ok(true)),
            ("a\\*b", "ab", Ok(false)),
            ("a?b", "a☺b", Ok(true)),
            ("a[^a]b", "a☺b", Ok(true)),
            ("a?b", "a/b", Ok(false)),
            ("[a-ζ]*", "α", Ok(true)),
            ("*[a-ζ]", "A", Ok(false)),
            ("[\\]a]", "]", Ok(true)),
            ("[\\-x]", "-", Ok(true)),
            ("[]a]", "]", Err(BadPattern)),
            ("[-]", "-", Err(BadPattern)),
            ("[x-]", "x", Err(BadPattern)),
            ("[-x]", "x", Err(BadPattern)),
            ("\\", "a", Err(BadPattern)),
            ("[a-b-c]", "a", Err(BadPattern)),
            ("[", "a", Err(BadPattern)),
            ("[^", "a", Err(BadPattern)),
            ("[^bc", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
            ("", "", Ok(true)),
            ("", "a", Ok(false)),
            ("main:*", "main:t:alert2", Ok(true)),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_ends(pattern in "[a\\\\*?\\[\\]^/-]{0,12}", name in "[ab/-]{0,12}") {
            let _ = matches(&pattern, &name);
        }
    }
}
