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
    /// The state of an event that is not OK: topic, event id.
    EventState(Name, Name),
    /// The last event taken of a shard.
    Taken(u32),
    /// An event that deliveries still need, by number.
    OutboxEvent(u64),
    /// A delivery, by number.
    Delivery(u64),
    /// How many deliveries of a handler were given up: topic, handler id.
    Lane(Name, Name),
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
            Key::Taken(shard) => {
                out.push(b's');
                out.extend_from_slice(&shard.to_be_bytes());
            }
            Key::OutboxEvent(number) => put_number(&mut out, b'o', *number),
            Key::Delivery(number) => put_number(&mut out, b'd', *number),
            Key::Lane(topic, handler) => put(&mut out, b'l', &[topic, handler]),
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
