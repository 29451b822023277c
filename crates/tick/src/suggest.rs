//! "Did you mean": the nearest of the names that would have been right.

/// The candidate nearest to `name`, if one is near enough to be a likely slip of the finger.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = name.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
    let allowed = match wanted.len() {
        0 => return None,
        1..=2 => 1,
        3..=7 => 2,
        _ => 3,
    };
    let mut best = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        let chars: Vec<char> = candidate.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
        let distance = distance(&wanted, &chars);
        // A name that shares nothing with the candidate is not a slip, however short both are.
        let near = distance <= allowed && distance < wanted.len().max(chars.len());
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Names beyond this are compared by their beginning only: the cost is quadratic.
const MAX_CHARS: usize = 64;

/// Edits (insert, delete, replace, swap neighbours) that turn one name into the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let width = right.len() + 1;
    let mut rows = vec![0; width * (left.len() + 1)];
    for (column, cell) in rows.iter_mut().take(width).enumerate() {
        *cell = column;
    }
    for i in 1..=left.len() {
        rows[i * width] = i;
        for j in 1..=right.len() {
            let replace = usize::from(left[i - 1] != right[j - 1]);
            let mut least = (rows[(i - 1) * width + j] + 1)
                .min(rows[i * width + j - 1] + 1)
                .min(rows[(i - 1) * width + j - 1] + replace);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                least = least.min(rows[(i - 2) * width + j - 2] + 1);
            }
            rows[i * width + j] = least;
        }
    }
    rows[width * left.len() + right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest() {
        let names = ["window", "where", "period", "every", "groupBy", "stream"];
        for (name, expected) in [
            ("widnow", Some("window")),
            ("groupby", Some("groupBy")),
            ("perid", Some("period")),
            ("strem", Some("stream")),
            ("everything", None),
            ("x", None),
            ("", None),
            ("where", None),
        ] {
            assert_eq!(did_you_mean(name, names), expected, "{name}");
        }
    }
}
