//! How fresh an answer must be: `?consistency=local` is what this member knows (the default),
//! `linearizable` waits until it knows all that was agreed on before the request came.

use crate::call::{Call, one_of};
use crate::reply::Reply;
use crate::routes::{BASE, refusal};
use engine::Engine;
use engine::status::ClusterError;
use http::Method;

/// What is below these answers from what the cluster agrees on.
const AGREED: [&str; 4] = ["tasks", "templates", "alerts", "cluster"];

/// Whether the answer to a request must wait for what was agreed on before; the error is the
/// answer to a word that means nothing.
pub fn linearizable(call: &Call) -> Result<bool, Reply> {
    if call.parts.method != Method::GET || call.query().is_empty() || !agreed(&call.path) {
        return Ok(false);
    }
    Ok(one_of(call, "consistency", &["local", "linearizable"])? == "linearizable")
}

/// Waits until this member knows all that was agreed on; the error is the answer.
pub async fn reached(engine: &Engine) -> Result<(), Reply> {
    match engine.linearizable().await {
        // Whoever is alone knows everything.
        Ok(()) | Err(ClusterError::NotClustered) => Ok(()),
        Err(error) => Err(refusal(&error)),
    }
}

fn agreed(path: &str) -> bool {
    let below = path.strip_prefix(BASE).and_then(|path| path.strip_prefix('/'));
    let first = below.and_then(|path| path.split('/').next());
    first.is_some_and(|first| AGREED.contains(&first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, expected) in [
            ("/kapacitor/v1/tasks", true),
            ("/kapacitor/v1/tasks/t/x", true),
            ("/kapacitor/v1/alerts/topics", true),
            ("/kapacitor/v1/cluster", true),
            ("/kapacitor/v1/tasksx", false),
            ("/kapacitor/v1/ping", false),
            ("/metrics", false),
        ] {
            assert_eq!(agreed(path), expected, "{path}");
        }
    }
}
