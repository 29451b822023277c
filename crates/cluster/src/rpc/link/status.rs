//! From gRPC's errors to ours.

use crate::carrier::{CarryError, Frames};
use bytes::Bytes;
use futures::StreamExt;
use proto::peer::Frame;
use tonic::{Code, Status, Streaming};

/// What an error of a request to a member means.
pub fn carry(status: &Status, member: &str) -> CarryError {
    match status.code() {
        Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::ResourceExhausted
        | Code::InvalidArgument
        | Code::Unimplemented => CarryError::Refused(status.message().to_owned()),
        Code::PermissionDenied => {
            CarryError::Denied { member: member.to_owned(), why: status.message().to_owned() }
        }
        _ => CarryError::Unreachable { member: member.to_owned(), why: explain(status) },
    }
}

/// The text of an error, with the causes that it hides.
fn explain(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    if text.is_empty() { "the connection ended".to_owned() } else { text }
}

/// Frames as they come in, up to the first error. `count` is told the size of each.
pub fn frames(received: Streaming<Frame>, member: String, count: impl Fn(u64) + Send + 'static) -> Frames {
    let state = Some((received, member, count));
    let frames = futures::stream::unfold(state, |state| async move {
        let (mut received, member, count) = state?;
        match received.next().await? {
            Ok(Frame { body }) => {
                count(body.len() as u64);
                Some((Ok::<Bytes, CarryError>(body), Some((received, member, count))))
            }
            Err(status) => Some((Err(carry(&status, &member)), None)),
        }
    });
    frames.boxed()
}
