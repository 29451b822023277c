//! Reading what a sideload node's source holds: a folder of YAML and JSON files, or one JSON object
//! from an HTTP server. All errors are sentences for whoever enables the task or asks for a reload.

use super::{Outside, yaml};
use pipeline::nodes::sideload::{Content, Sideload, Source, of_object};
use std::fs::FileType;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// Bytes of a source.
const BYTES_MAX: u64 = 64 << 20;

/// Files of a source.
const FILES_MAX: usize = 100_000;

/// Folders in folders.
const DEPTH_MAX: usize = 64;

/// Bytes that a source may take up in a shard's log: half of what a group takes.
const CONTENT_MAX: usize = 16 << 20;

/// How long an HTTP server may take.
const TIMEOUT: Duration = Duration::from_secs(10);

impl Outside {
    /// Reads a source.
    pub async fn read(&self, sideload: &Sideload) -> Result<Content, String> {
        let content = match &sideload.source {
            Source::Folder(path) => {
                let (path, keys) = (path.clone(), sideload.keys.clone());
                let read = tokio::task::spawn_blocking(move || folder(Path::new(&path), &keys));
                read.await.map_err(|error| error.to_string())??
            }
            Source::Http { url, basic } => {
                let failed = |why| format!("Error fetching sideload data from {url} :: {why}");
                let limit = usize::try_from(BYTES_MAX).unwrap_or(usize::MAX);
                let got = handler::http::get(&self.clients, url, basic.as_ref(), TIMEOUT, limit);
                let body = got.await.map_err(failed)?;
                Content::of_places(&body, &sideload.keys).map_err(|why| {
                    failed(format!("failed to load body to update sideload cache for source {url:?}: {why}"))
                })?
            }
        };
        let bytes = content.encode().len();
        if bytes > CONTENT_MAX {
            return Err(format!(
                "the values that sideload node {} wants of its source take {bytes} bytes, at most {CONTENT_MAX} are possible: ask for fewer fields and tags, or make the source smaller",
                sideload.node
            ));
        }
        Ok(content)
    }
}

/// What is left of the bounds of a source.
struct Left {
    bytes: u64,
    files: usize,
}

fn folder(root: &Path, keys: &[String]) -> Result<Content, String> {
    let mut content = Content::default();
    let mut left = Left { bytes: BYTES_MAX, files: FILES_MAX };
    let failed = |why: String| {
        format!("failed to update sideload cache for source file {:?}: {why}", root.display().to_string())
    };
    let kind = std::fs::symlink_metadata(root)
        .map_err(|error| failed(format!("lstat {}", named(root, &error))))?
        .file_type();
    walk(root, root, kind, 0, &mut left, &mut |place, values| content.add(place, values, keys))
        .map_err(failed)?;
    Ok(content)
}

fn named(path: &Path, error: &std::io::Error) -> String {
    let text = error.to_string();
    // As Go words it: without the number.
    let text = text.split(" (os error").next().unwrap_or_default();
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}: {}{rest}", path.display(), first.to_lowercase())
}

type Values = Vec<(String, pipeline::nodes::sideload::Datum)>;

/// Goes through the files in the order of their names. Links to folders are not followed, as in
/// Kapacitor.
fn walk(
    root: &Path,
    path: &Path,
    kind: FileType,
    depth: usize,
    left: &mut Left,
    add: &mut dyn FnMut(&str, Values),
) -> Result<(), String> {
    if kind.is_dir() {
        if depth >= DEPTH_MAX {
            return Err(format!("{}: folders lie more than {DEPTH_MAX} deep", path.display()));
        }
        let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.map_err(|error| named(path, &error))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(|error| named(path, &error))?;
            walk(root, &entry.path(), kind, depth + 1, left, add)?;
        }
        return Ok(());
    }
    left.files = left.files.checked_sub(1).ok_or_else(|| format!("there are more than {FILES_MAX} files"))?;
    let values = read(path, left)?;
    let relative = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
    if relative.is_empty() || relative.starts_with('.') {
        return Err(format!(
            "invalid relative path: {} (no file may be hidden, and the source must be a folder)",
            path.display()
        ));
    }
    add(&relative, values);
    Ok(())
}

fn read(path: &Path, left: &mut Left) -> Result<Values, String> {
    let shown = path.display().to_string();
    let failed = |what: &str, why: String| format!("failed to {what} {shown:?}: {why}");
    let file = std::fs::File::open(path).map_err(|error| failed("open values file", error.to_string()))?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if !matches!(ending, "yaml" | "yml" | "json") {
        // It is a place without values, as in Kapacitor.
        return Ok(Values::new());
    }
    let mut bytes = Vec::new();
    let got = file.take(left.bytes + 1).read_to_end(&mut bytes);
    got.map_err(|error| failed("read values file", error.to_string()))?;
    left.bytes = left
        .bytes
        .checked_sub(bytes.len() as u64)
        .ok_or_else(|| format!("the files of the source have more than {} MB together", BYTES_MAX >> 20))?;
    let values = match ending {
        "json" => json(&bytes).map_err(|why| failed("unmarshal json values", why))?,
        _ => yaml::values(&bytes).map_err(|why| failed("unmarshal yaml values", why))?,
    };
    Ok(values)
}

fn json(bytes: &[u8]) -> Result<Values, String> {
    let read: Option<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(of_object(&read.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(dir: &Path, name: &str, text: &str) {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, text).expect("it is written");
    }

    #[test]
    fn folders_are_read_with_their_folders() {
        let dir = tempfile::tempdir().expect("a folder");
        at(dir.path(), "host/a.yml", "v: 1\nother: 2\n");
        at(dir.path(), "host/b.json", r#"{"v":"x","w":[1]}"#);
        at(dir.path(), "all.yaml", "");
        at(dir.path(), "readme.txt", "v: 1");
        let content = folder(dir.path(), &["v".to_owned(), "w".to_owned()]).expect("it reads");
        let places: Vec<&str> = content.places().into_iter().collect();
        assert_eq!(places, ["all.yaml", "host/a.yml", "host/b.json", "readme.txt"]);
        use pipeline::nodes::sideload::Datum;
        let of = |place: &str, key: &str| content.lookup(&[place.to_owned()], key).cloned();
        assert_eq!(of("host/a.yml", "v"), Some(Datum::Number(1.0)));
        assert_eq!(of("host/a.yml", "other"), None);
        assert_eq!(of("host/b.json", "v"), Some(Datum::Text("x".into())));
        assert_eq!(of("host/b.json", "w"), Some(Datum::List));
        assert_eq!(of("readme.txt", "v"), None);
    }

    #[test]
    fn what_is_wrong_names_its_file() {
        for (name, text, expected) in [
            (".hidden.yml", "v: 1", "invalid relative path"),
            ("a.json", "{", "failed to unmarshal json values"),
            ("a.yml", "v: [", "failed to unmarshal yaml values"),
            ("a.yml", "- 1", "failed to unmarshal yaml values"),
        ] {
            let dir = tempfile::tempdir().expect("a folder");
            at(dir.path(), name, text);
            let error = folder(dir.path(), &[]).expect_err(name);
            assert!(error.contains(expected) && error.contains(name), "{error}");
        }
        let dir = tempfile::tempdir().expect("a folder");
        assert!(folder(&dir.path().join("none"), &[]).is_err());
        at(dir.path(), "a.yml", "v: 1");
        assert!(folder(&dir.path().join("a.yml"), &[]).expect_err("no folder").contains("must be a folder"));
    }

    #[test]
    fn sources_without_bounds_are_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = std::fs::File::create(dir.path().join("a.yml")).expect("a file");
        file.set_len(BYTES_MAX + 1).expect("it grows");
        assert!(folder(dir.path(), &[]).expect_err("it is too large").contains("more than 64 MB"));
    }
}
