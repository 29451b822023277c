//! How bytes get from one member to another, whatever carries them: gRPC between real members, a
//! simulated network in tests. What the bytes mean is the business of those who send them.

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// Number of a member, as the catalog has it.
pub use catalog::MemberId;

/// What a message is about: the receiver looks for who answers by `kind`, and for which Raft group
/// by `group` (0 is the control group, shard `s` is `s + 1`; 0 where no group is meant).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Topic {
    /// One of the numbers in [`kind`].
    pub kind: u32,
    /// The Raft group.
    pub group: u64,
}

/// Kinds of message. Numbers are part of the wire: they are never used again.
pub mod kind {
    /// Raft: a stream of AppendEntries.
    pub const APPEND: u32 = 1;
    /// Raft: a vote is asked for.
    pub const VOTE: u32 = 2;
    /// Raft: whether a vote would be given.
    pub const PRE_VOTE: u32 = 3;
    /// Raft: a snapshot is uploaded.
    pub const SNAPSHOT: u32 = 4;
    /// Raft: leadership is handed over.
    pub const TRANSFER: u32 = 5;
    /// Points for a shard's leader, as a stream with acknowledgements.
    pub const INGEST: u32 = 16;
    /// A command for the control group's leader.
    pub const PROPOSE: u32 = 17;
    /// How far the control group's leader has committed.
    pub const READ_INDEX: u32 = 18;
    /// Wait until a member has caught up with the control group.
    pub const SETTLE: u32 = 19;
    /// A member asks to be taken in, or is told to ask.
    pub const JOIN: u32 = 20;
    /// What a member knows of tasks, endpoints, shards and itself.
    pub const GATHER: u32 = 21;
    /// An order to the leader of a group, such as to hand leadership over.
    pub const ORDER: u32 = 22;
}

/// Why nothing came back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CarryError {
    /// The member cannot be reached: try again later, or ask another.
    #[error("cannot reach {member}: {why}")]
    Unreachable {
        /// Name or address of the member.
        member: String,
        /// What the network says.
        why: String,
    },
    /// The member has another secret, certificate or cluster id. Trying again does not help.
    #[error("{member} does not let us in: {why}")]
    Denied {
        /// Name or address of the member.
        member: String,
        /// Its words.
        why: String,
    },
    /// The member was reached, and refuses.
    #[error("{0}")]
    Refused(String),
    /// No answer in time.
    #[error("{member} did not answer within {limit:?}")]
    Timeout {
        /// Name or address of the member.
        member: String,
        /// How long it had.
        limit: std::time::Duration,
    },
}

/// Frames one after the other; it ends with the first error.
pub type Frames = BoxStream<'static, Result<Bytes, CarryError>>;

/// Sends to other members.
pub trait Carrier: Send + Sync + 'static {
    /// Asks and waits for the answer, no longer than `limit`.
    fn call(
        &self,
        to: MemberId,
        topic: Topic,
        body: Bytes,
        limit: std::time::Duration,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>>;

    /// Opens a stream in both directions. Resolves when the receiver has accepted it; frames of
    /// `sent` may be waited for only after that.
    fn stream(
        &self,
        to: MemberId,
        topic: Topic,
        sent: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Frames, CarryError>>;

    /// Sends many frames and waits for one answer. Frames are at most 1 MiB. It uses a connection of
    /// its own, so that a large upload does not hold up anything else.
    fn upload(
        &self,
        to: MemberId,
        topic: Topic,
        sent: BoxStream<'static, Bytes>,
    ) -> BoxFuture<'static, Result<Bytes, CarryError>>;
}

/// Answers what other members send. An error text goes back as [`CarryError::Refused`].
pub trait Receiver: Send + Sync + 'static {
    /// Answers a call.
    fn call(&self, from: MemberId, topic: Topic, body: Bytes) -> BoxFuture<'static, Result<Bytes, String>>;

    /// Accepts a stream, and gives the frames that go back.
    fn stream(
        &self,
        from: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<BoxStream<'static, Bytes>, String>>;

    /// Takes an upload.
    fn upload(
        &self,
        from: MemberId,
        topic: Topic,
        received: Frames,
    ) -> BoxFuture<'static, Result<Bytes, String>>;
}
