//! The keys under which the catalog is stored.

use crate::Error;
use model::Name;

/// What a stored value is. Keys of one kind share their first byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Counters of the catalog itself.
    Meta,
    /// A task.
    Task(Name),
    /// A topic's handlers.
    Topic(Name),
    /// The state of an event: topic, event id.
    EventState(Name, Name),
    /// The last event taken of a shard.
    Taken(u32),
    /// An event that deliveries still need, by number.
    OutboxEvent(u64),
    /// A delivery, by number.
    Delivery(u64),
    /// How many deliveries of a handler were given up: topic, handler id.
    Lane(Name, Name),
    /// The cluster itself.
    Cluster,
    /// A member, by number.
    Member(u64),
    /// A member that was removed, by number.
    Removed(u64),
    /// Where a shard is kept.
    Place(u32),
    /// A task that runs.
    Run(Name),
    /// A handler that was put on a topic: topic, handler id.
    Handler(Name, Name),
    /// What a group of an alert holds back: task, node, group id.
    Inhibitor(Name, Name, Name),
    /// How many events a topic has taken.
    Collected(Name),
}

impl Key {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        match self {
            Key::Meta => out.push(b'm'),
            Key::Task(id) => put(&mut out, b'k', &[id]),
            Key::Topic(topic) => put(&mut out, b't', &[topic]),
            Key::EventState(topic, id) => put(&mut out, b'e', &[topic, id]),
            Key::Taken(shard) => put_shard(&mut out, b's', *shard),
            Key::OutboxEvent(number) => put_number(&mut out, b'o', *number),
            Key::Delivery(number) => put_number(&mut out, b'd', *number),
            Key::Lane(topic, handler) => put(&mut out, b'l', &[topic, handler]),
            Key::Cluster => out.push(b'c'),
            Key::Member(id) => put_number(&mut out, b'b', *id),
            Key::Removed(id) => put_number(&mut out, b'x', *id),
            Key::Place(shard) => put_shard(&mut out, b'p', *shard),
            Key::Run(id) => put(&mut out, b'r', &[id]),
            Key::Handler(topic, id) => put(&mut out, b'h', &[topic, id]),
            Key::Inhibitor(task, node, group) => put(&mut out, b'i', &[task, node, group]),
            Key::Collected(topic) => put(&mut out, b'n', &[topic]),
        }
        out
    }

    /// From [`Key::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Key, Error> {
        parse(bytes)
            .ok_or_else(|| Error::damaged("a key of the control state", format!("unknown key {bytes:02x?}")))
    }
}

fn put(out: &mut Vec<u8>, kind: u8, texts: &[&Name]) {
    out.push(kind);
    for text in texts {
        // A text longer than 4 GiB cannot be in memory beside its request.
        out.extend_from_slice(&(text.len() as u32).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}

fn put_shard(out: &mut Vec<u8>, kind: u8, shard: u32) {
    out.push(kind);
    out.extend_from_slice(&shard.to_be_bytes());
}

fn put_number(out: &mut Vec<u8>, kind: u8, number: u64) {
    out.push(kind);
    out.extend_from_slice(&number.to_be_bytes());
}

fn parse(bytes: &[u8]) -> Option<Key> {
    let (&kind, mut rest) = bytes.split_first()?;
    let key = match kind {
        b'm' => Key::Meta,
        b'k' => Key::Task(text(&mut rest)?),
        b't' => Key::Topic(text(&mut rest)?),
        b'e' => Key::EventState(text(&mut rest)?, text(&mut rest)?),
        b's' => Key::Taken(u32::from_be_bytes(take(&mut rest)?)),
        b'o' => Key::OutboxEvent(u64::from_be_bytes(take(&mut rest)?)),
        b'd' => Key::Delivery(u64::from_be_bytes(take(&mut rest)?)),
        b'l' => Key::Lane(text(&mut rest)?, text(&mut rest)?),
        b'c' => Key::Cluster,
        b'b' => Key::Member(u64::from_be_bytes(take(&mut rest)?)),
        b'x' => Key::Removed(u64::from_be_bytes(take(&mut rest)?)),
        b'p' => Key::Place(u32::from_be_bytes(take(&mut rest)?)),
        b'r' => Key::Run(text(&mut rest)?),
        b'h' => Key::Handler(text(&mut rest)?, text(&mut rest)?),
        b'i' => Key::Inhibitor(text(&mut rest)?, text(&mut rest)?, text(&mut rest)?),
        b'n' => Key::Collected(text(&mut rest)?),
        _ => return None,
    };
    rest.is_empty().then_some(key)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

fn text(rest: &mut &[u8]) -> Option<Name> {
    let len = u32::from_be_bytes(take(rest)?) as usize;
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    std::str::from_utf8(head).ok().map(Name::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        for key in [
            Key::Meta,
            Key::Task("a".into()),
            Key::Topic("main:a:alert2".into()),
            Key::EventState("t".into(), "".into()),
            Key::EventState("".into(), "t".into()),
            Key::Taken(7),
            Key::OutboxEvent(u64::MAX),
            Key::Delivery(1),
            Key::Lane("ö".into(), "h".into()),
            Key::Cluster,
            Key::Member(u64::MAX),
            Key::Removed(3),
            Key::Place(15),
            Key::Run("a".into()),
            Key::Handler("t".into(), "h".into()),
            Key::Inhibitor("a".into(), "alert2".into(), "".into()),
            Key::Collected("t".into()),
        ] {
            let bytes = key.encode();
            assert_eq!(Key::decode(&bytes).as_ref(), Ok(&key));
            assert!(Key::decode(&[bytes.as_slice(), b"x"].concat()).is_err());
        }
        assert!(Key::decode(b"").is_err());
        assert!(Key::decode(b"z").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_key_or_an_error(bytes: Vec<u8>) {
            if let Ok(key) = Key::decode(&bytes) {
                proptest::prop_assert_eq!(key.encode(), bytes);
            }
        }
    }
}
