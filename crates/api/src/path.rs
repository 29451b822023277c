//! Paths: cleaned as Go's request multiplexer does before it looks for a route.

/// The clean form of a path; `None` when it is clean already.
pub fn cleaned(path: &str) -> Option<String> {
    let suspect = !path.starts_with('/') || path.contains("//") || path.contains("/.");
    if !suspect {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    let mut clean = format!("/{}", kept.join("/"));
    if path.ends_with('/') && clean != "/" {
        clean.push('/');
    }
    (clean != path).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean() {
        for (path, expected) in [
            ("/kapacitor/v1/tasks", None),
            ("/kapacitor/v1/tasks/", None),
            ("/kapacitor/v1//tasks", Some("/kapacitor/v1/tasks")),
            ("/kapacitor/v1/./tasks/", Some("/kapacitor/v1/tasks/")),
            ("/a/../b", Some("/b")),
            ("/../..", Some("/")),
            ("/a/..", Some("/")),
            ("/.hidden", None),
            ("/a/..b", None),
            ("*", Some("/*")),
        ] {
            assert_eq!(cleaned(path).as_deref(), expected, "{path}");
        }
    }
}
