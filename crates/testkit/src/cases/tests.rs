//! The reader of case files, on small files of its own.

use super::*;
use crate::observed::NodeErrors;

const FILE: &str = "\
# Nodes

## Prose only

## Two blocks
Some prose.
```tick
stream|from()
```
more
```output o
old
```
tail

## Refused
```tick
nonsense
```
```error
why
```
";

fn observed() -> Observed {
    Observed {
        outputs: vec![("o".into(), "{}".into()), ("p".into(), "[]".into())],
        errors: vec![NodeErrors { node: "where2".into(), count: 3, first: "no".into() }],
        ..Observed::default()
    }
}

#[test]
fn headings_without_blocks_are_prose() {
    let file = CaseFile::parse(FILE).expect("well formed");
    let headings: Vec<_> = file.cases.iter().map(|case| (case.heading.as_str(), case.line)).collect();
    assert_eq!(headings, [("Two blocks", 5), ("Refused", 16)]);
    assert_eq!(file.cases[0].script(), "stream|from()");
    assert_eq!(file.cases[0].expected().collect::<Vec<_>>(), [("output o", "old")]);
    assert_eq!(file.cases[0].input(), "");
}

#[test]
fn rewriting_touches_only_expectations() {
    let file = CaseFile::parse(FILE).expect("well formed");
    let expected = FILE
        .replace("old\n```\n", "{}\n```\n```output p\n[]\n```\n```errors\nwhere2: 3 no\n```\n")
        .replace("```error\nwhy\n```\n", "");
    assert_eq!(file.rewritten(&[Some(observed()), Some(Observed::default())]), expected);
    assert_eq!(file.rewritten(&[None, None]), FILE);
}

#[test]
fn what_is_rewritten_reads_as_it_was_observed() {
    let file = CaseFile::parse(FILE).expect("well formed");
    let again = CaseFile::parse(&file.rewritten(&[Some(observed()), None])).expect("well formed");
    let stated: Vec<_> = again.cases[0].expected().map(|(k, t)| (k.to_owned(), t.to_owned())).collect();
    assert_eq!(stated, expectations(&observed()));
}

#[test]
fn malformed_files_say_where() {
    for (text, line, why) in [
        ("```tick\n```\n", 1, "before the first heading"),
        ("## a\n\n```tick\n", 3, "no end"),
        ("## a\n```tock\n```\n", 2, "tock"),
        ("## a\n```output\n```\n", 2, "output"),
        ("## a\n```output \n```\n", 2, "output"),
        ("## a\n```input\n```\n", 1, "no \"tick\""),
        ("## a\n```tick\n```\n```tick\n```\n", 4, "second"),
    ] {
        let error = CaseFile::parse(text).expect_err(text);
        assert_eq!(error.line, line, "{text:?}: {error}");
        assert!(error.why.contains(why), "{text:?}: {error}");
    }
}
