//! Two texts side by side, for people: which lines differ, and where in the line.

/// Lines of `expected` that are not in `got` with `-`, those of `got` that are not in `expected`
/// with `+`, common ones with a space. Under two lines that stand for each other, a caret shows the
/// first character that differs.
pub fn diff(expected: &str, got: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let table = common(&left, &right);
    let mut out = String::new();
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if l < left.len() && r < right.len() && left[l] == right[r] {
            push(&mut out, ' ', left[l]);
            (l, r) = (l + 1, r + 1);
            continue;
        }
        let (from_l, from_r) = (l, r);
        while l < left.len()
            && (r == right.len() || table[l + 1][r] >= table[l][r + 1])
            && !same(&left, l, &right, r)
        {
            l += 1;
        }
        while r < right.len()
            && (l == left.len() || table[l][r + 1] > table[l + 1][r])
            && !same(&left, l, &right, r)
        {
            r += 1;
        }
        replaced(&mut out, &left[from_l..l], &right[from_r..r]);
    }
    out
}

fn same(left: &[&str], l: usize, right: &[&str], r: usize) -> bool {
    l < left.len() && r < right.len() && left[l] == right[r]
}

/// Length of the longest common sequence of the lines from each pair of places on.
fn common(left: &[&str], right: &[&str]) -> Vec<Vec<u32>> {
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for l in (0..left.len()).rev() {
        for r in (0..right.len()).rev() {
            table[l][r] = match left[l] == right[r] {
                true => table[l + 1][r + 1] + 1,
                false => table[l + 1][r].max(table[l][r + 1]),
            };
        }
    }
    table
}

fn replaced(out: &mut String, old: &[&str], new: &[&str]) {
    for at in 0..old.len().max(new.len()) {
        if let Some(line) = old.get(at) {
            push(out, '-', line);
        }
        if let Some(line) = new.get(at) {
            push(out, '+', line);
        }
        if let (Some(old), Some(new)) = (old.get(at), new.get(at)) {
            let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).count();
            push(out, ' ', &format!("{}^", " ".repeat(same)));
        }
    }
}

fn push(out: &mut String, mark: char, line: &str) {
    out.push(mark);
    out.push_str(line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_what_differs() {
        for (expected, got, shown) in [
            ("a", "a", " a\n"),
            ("", "a", "+a\n"),
            ("a", "", "-a\n"),
            ("a\nbcd\ne", "a\nbxd\ne", " a\n-bcd\n+bxd\n  ^\n e\n"),
            ("a\nb", "b\nc", "-a\n b\n+c\n"),
            ("a\nb\nc", "c", "-a\n-b\n c\n"),
        ] {
            assert_eq!(diff(expected, got), shown, "{expected:?} against {got:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn both_texts_can_be_read_from_it(left in "([abc]\n){0,6}", right in "([abc]\n){0,6}") {
            let shown = diff(&left, &right);
            let side = |mark: char| -> String {
                let lines = shown.lines().filter(|line| !line.ends_with('^'));
                lines.filter(|line| line.starts_with([' ', mark])).map(|line| format!("{}\n", &line[1..])).collect()
            };
            proptest::prop_assert_eq!(side('-'), left);
            proptest::prop_assert_eq!(side('+'), right);
        }
    }
}
