//! The handshake that begins each connection, over any stream. Both sides bound it in time.
//!
//! Who dials proves first: so nobody gets a proof made with the secret by dialing us.

use super::Identity;
use super::hello::{
    Code, HEAD, Head, Hello, NAME_MAX, PROOF, Reason, Refusal, Side, VERSION, Welcome, is_proof, message,
    prove,
};
use crate::MemberId;
use ring::hmac::Key;
use ring::rand::{SecureRandom, SystemRandom};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How a handshake can end otherwise.
#[derive(Debug)]
pub enum Failure {
    /// The stream broke, or the other side does not speak our language.
    Broken(io::Error),
    /// The other side refuses.
    Refused(Refusal),
    /// We refuse.
    Refusing(Refusal),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Broken(error)
    }
}

/// Who was let in.
#[derive(Debug)]
pub struct Guest {
    /// Its number.
    pub from: MemberId,
    /// Its name, as it says.
    pub name: String,
    /// Whether it knows whom it talks to, not just an address.
    pub knows_us: bool,
}

/// Introduces this member to the one at the other end, and gives that one's number.
pub async fn introduce<S>(
    stream: &mut S,
    identity: &Identity,
    to: Option<MemberId>,
    secret: Option<&Key>,
) -> Result<MemberId, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if identity.name.len() > NAME_MAX {
        return Err(refusing(Reason::Other, "the name of this member is longer than 255 bytes"));
    }
    let hello = Hello {
        from: identity.me,
        to,
        name: identity.name.clone(),
        secret: secret.is_some(),
        nonce: random()?,
    };
    let hello = message(Code::Hello, &encode(&hello)?);
    stream.write_all(&hello).await?;
    let challenge = message(Code::Challenge, &expect(stream, Code::Challenge).await?);
    let proof = secret.map(|key| prove(key, Side::Dialer, &hello, &challenge)).unwrap_or_default();
    stream.write_all(&message(Code::Proof, &proof)).await?;
    let welcome: Welcome = decode(&expect(stream, Code::Welcome).await?)?;
    if let Some(key) = secret
        && !is_proof(key, Side::Dialed(welcome.me), &hello, &challenge, &welcome.proof)
    {
        return Err(refusing(Reason::Secret, "it does not know the shared secret"));
    }
    match to {
        Some(to) if to != welcome.me => {
            Err(refusing(Reason::Target, format!("member {} lives there, not {to}", welcome.me)))
        }
        _ => Ok(welcome.me),
    }
}

/// Takes the introduction of who dialed us. `check` sees who has proved to be that, and can refuse.
/// Refusals are not sent here: see [`refuse`].
pub async fn admit<S>(
    stream: &mut S,
    me: MemberId,
    secret: Option<&Key>,
    check: impl FnOnce(&Guest) -> Result<(), Refusal>,
) -> Result<Guest, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let payload = expect(stream, Code::Hello).await?;
    let hello: Hello = decode(&payload)?;
    if hello.name.is_empty() || hello.name.len() > NAME_MAX {
        return Err(refusing(Reason::Other, "a member must have a name of at most 255 bytes"));
    }
    match (secret.is_some(), hello.secret) {
        (true, false) => {
            return Err(refusing(
                Reason::Secret,
                "it wants a shared secret, and we have none: set [cluster] shared-secret",
            ));
        }
        (false, true) => {
            return Err(refusing(
                Reason::Secret,
                "it has no shared secret to prove itself with: set [cluster] shared-secret there",
            ));
        }
        _ => {}
    }
    let sent = message(Code::Challenge, &random()?);
    stream.write_all(&sent).await?;
    let proof = expect(stream, Code::Proof).await?;
    let hello_sent = message(Code::Hello, &payload);
    if let Some(key) = secret
        && !is_proof(key, Side::Dialer, &hello_sent, &sent, &proof)
    {
        return Err(refusing(
            Reason::Secret,
            "it has another shared secret: compare [cluster] shared-secret",
        ));
    }
    if hello.to.is_some_and(|to| to != me) {
        return Err(refusing(Reason::Target, format!("member {me} lives there now")));
    }
    let guest = Guest { from: hello.from, name: hello.name, knows_us: hello.to.is_some() };
    check(&guest).map_err(Failure::Refusing)?;
    let proof = secret.map(|key| prove(key, Side::Dialed(me), &hello_sent, &sent)).unwrap_or_default();
    stream.write_all(&message(Code::Welcome, &encode(&Welcome { me, proof })?)).await?;
    stream.flush().await?;
    Ok(guest)
}

/// Sends a refusal, and waits until the other side has it: closing a socket with unread bytes in it
/// would take the refusal back.
pub async fn refuse<S>(stream: &mut S, refusal: &Refusal)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if stream.write_all(&refusal.encode()).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0; 1024];
    for _ in 0..64 {
        if !matches!(stream.read(&mut rest).await, Ok(read) if read > 0) {
            return;
        }
    }
}

/// Reads a message of the given kind and gives its payload.
async fn expect<S>(stream: &mut S, code: Code) -> Result<Vec<u8>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.flush().await?;
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await?;
    let head = Head::decode(head).ok_or_else(garbage)?;
    let mut payload = vec![0; head.length];
    stream.read_exact(&mut payload).await?;
    if head.code == Code::Refusal as u8 {
        return Err(Failure::Refused(Refusal::decode(&payload)));
    }
    if head.version != VERSION {
        let text = format!(
            "it was asked in version {} of the protocol between members and speaks version {VERSION}: run the \
             same release on all members",
            head.version
        );
        return Err(refusing(Reason::Version, text));
    }
    if head.code != code as u8 {
        return Err(garbage());
    }
    Ok(payload)
}

fn refusing(reason: Reason, text: impl Into<String>) -> Failure {
    Failure::Refusing(Refusal::new(reason, text))
}

fn garbage() -> Failure {
    refusing(Reason::Other, "what was sent is not the protocol between members")
}

fn random() -> io::Result<[u8; PROOF]> {
    let mut bytes = [0; PROOF];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(io::Error::other("the operating system gives no random numbers")),
    }
}

fn encode(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(io::Error::other)
}

fn decode<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, Failure> {
    postcard::from_bytes(payload).map_err(|_| garbage())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ring::hmac::HMAC_SHA256;
    use tokio::io::duplex;

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
    }

    /// Member 1 introduces itself to member 2.
    async fn meet(
        to: Option<MemberId>,
        dialer: Option<&Key>,
        dialed: Option<&Key>,
    ) -> (Result<MemberId, Failure>, Result<Guest, Failure>) {
        let (mut near, mut far) = duplex(4096);
        let identity = Identity::new(1, "m1", "");
        let introduced = async { introduce(&mut near, &identity, to, dialer).await };
        let admitted = async {
            let guest = admit(&mut far, 2, dialed, |_| Ok(())).await;
            if let Err(Failure::Refusing(refusal)) = &guest {
                far.write_all(&refusal.encode()).await.unwrap();
            }
            drop(far);
            guest
        };
        tokio::join!(introduced, admitted)
    }

    #[test]
    fn meetings() {
        let (key, other) = (Key::new(HMAC_SHA256, b"one"), Key::new(HMAC_SHA256, b"other"));
        let cases = [
            (Some(2), Some(&key), Some(&key), None),
            (None, Some(&key), Some(&key), None),
            (Some(2), None, None, None),
            (Some(3), Some(&key), Some(&key), Some(Reason::Target)),
            (Some(2), Some(&key), Some(&other), Some(Reason::Secret)),
            (Some(2), Some(&key), None, Some(Reason::Secret)),
            (Some(2), None, Some(&key), Some(Reason::Secret)),
        ];
        for (to, dialer, dialed, refused) in cases {
            match (run(meet(to, dialer, dialed)), refused) {
                ((Ok(2), Ok(guest)), None) => {
                    assert_eq!((guest.from, guest.name.as_str(), guest.knows_us), (1, "m1", to.is_some()));
                }
                ((Err(Failure::Refused(told)), Err(Failure::Refusing(refusal))), Some(reason)) => {
                    assert_eq!((told.reason, refusal.reason, told.text), (reason, reason, refusal.text));
                }
                (other, expected) => panic!("{other:?}, but expected {expected:?}"),
            }
        }
    }

    proptest! {
        /// Whatever is sent to us, as it is or in messages of the right form: nobody gets in.
        #[test]
        fn nobody_gets_in_by_chance(
            raw in prop::collection::vec(any::<u8>(), 0..200),
            wrapped in any::<bool>(),
            more in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let sent = if wrapped {
                [message(Code::Hello, &raw), message(Code::Proof, &more)].concat()
            } else {
                [raw, more].concat()
            };
            let admitted = run(async {
                let (mut near, mut far) = duplex(4096);
                near.write_all(&sent).await.unwrap();
                near.shutdown().await.unwrap();
                let key = Key::new(HMAC_SHA256, b"one");
                admit(&mut far, 2, Some(&key), |_| Ok(())).await
            });
            prop_assert!(admitted.is_err());
        }
    }
}
