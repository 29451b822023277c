//! Records as bytes: a byte that names the format, then postcard.

use crate::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The format that this version writes, and the only one so far.
const FORMAT: u8 = 1;

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Writing into a growing buffer fails only for types that the format cannot hold, and no record
    // has one: an error is a bug, and must not become an empty record.
    postcard::to_extend(value, vec![FORMAT]).expect("every record can be encoded")
}

pub(crate) fn decode<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Error> {
    let (&format, rest) = bytes.split_first().ok_or_else(|| Error::damaged(what, "it is empty"))?;
    if format != FORMAT {
        return Err(Error::Version { what, found: format, known: FORMAT });
    }
    let (value, rest) = postcard::take_from_bytes(rest).map_err(|error| Error::damaged(what, error))?;
    if rest.is_empty() { Ok(value) } else { Err(Error::damaged(what, "bytes are left over")) }
}
