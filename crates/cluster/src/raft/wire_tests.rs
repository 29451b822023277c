//! What is written can be read, and nothing that is read makes a member panic.

use std::collections::BTreeSet;

use bytes::Bytes;
use openraft::raft::{StreamAppendError, TransferLeaderError};
use proptest::prelude::*;

use super::ids::{EntryId, Membership, Position, Proposal};
use super::types::{AppendRequest, Entry, LogId, Payload, Vote, entry, membership_to, to_log_id};
use super::wire::{
    self, Append, Appended, Offer, Piece, TransferRequest, TransferResponse, VoteRequest, VoteResponse,
};

fn id() -> impl Strategy<Value = LogId> {
    (any::<u64>(), 0..u64::MAX - 100).prop_map(|(term, index)| to_log_id(EntryId { term, index }))
}

fn vote() -> impl Strategy<Value = Vote> {
    (any::<u64>(), any::<u64>(), any::<bool>()).prop_map(|(term, member, committed)| {
        if committed { Vote::new_committed(term, member) } else { Vote::new(term, member) }
    })
}

fn membership() -> impl Strategy<Value = Membership> {
    let members = || proptest::collection::btree_set(any::<u64>(), 1..6);
    let voters = proptest::collection::vec(members(), 1..3);
    (proptest::option::of((any::<u64>(), any::<u64>())), voters, members()).prop_map(
        |(id, voters, learners)| {
            let all: BTreeSet<u64> = voters.iter().flatten().copied().collect();
            let learners = learners.difference(&all).copied().collect();
            Membership { id: id.map(|(term, index)| EntryId { term, index }), voters, learners }
        },
    )
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::Blank),
        (any::<u8>(), proptest::collection::vec(any::<u8>(), 0..200))
            .prop_map(|(kind, bytes)| Payload::Normal(Proposal { kind, bytes: bytes.into() }.into())),
        membership().prop_map(|membership| Payload::Membership(membership_to(&membership).unwrap())),
    ]
}

fn request() -> impl Strategy<Value = AppendRequest> {
    let payloads = proptest::collection::vec(payload(), 0..5);
    (proptest::option::of(0..1000u64), 0..9u64, any::<u64>(), proptest::option::of(id()), payloads).prop_map(
        |(before, term, member, leader_commit, payloads)| {
            let prev_log_id = before.map(|index| to_log_id(EntryId { term, index }));
            let first = before.map_or(0, |index| index + 1);
            let entries: Vec<Entry> = (first..)
                .zip(payloads)
                .map(|(index, payload)| entry(EntryId { term, index }, payload))
                .collect();
            let vote = Vote::new_committed(term, member);
            AppendRequest { vote, prev_log_id, entries, leader_commit }
        },
    )
}

proptest! {
    #[test]
    fn requests_to_append_read_back(number: u64, request in request()) {
        let frame = wire::encode_append(number, &request);
        let read: Append = wire::decode(frame.clone()).unwrap();
        prop_assert_eq!(read.number, number);
        prop_assert_eq!(format!("{:?}", read.request), format!("{request:?}"));
        prop_assert_eq!(&read.request.entries, &request.entries);
        // Cut off anywhere, it is refused.
        for end in 0..frame.len() {
            prop_assert!(wire::decode::<Append>(frame.slice(..end)).is_err());
        }
    }

    #[test]
    fn contents_are_slices_of_the_frame(bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        let payload = Payload::Normal(Proposal { kind: 1, bytes: bytes.into() }.into());
        let entries = vec![entry(EntryId { term: 1, index: 0 }, payload)];
        let vote = Vote::new_committed(1, 1);
        let request = AppendRequest { vote, prev_log_id: None, entries, leader_commit: None };
        let frame = wire::encode_append(1, &request);
        let read: Append = wire::decode(frame.clone()).unwrap();
        let Payload::Normal(data) = &read.request.entries[0].payload else { panic!("no proposal") };
        let held = frame.as_ptr_range();
        prop_assert!(held.contains(&data.0.bytes.as_ptr()));
    }

    #[test]
    fn answers_read_back(number: u64, id in id(), matched in proptest::option::of(id()), vote in vote()) {
        let results =
            [Ok(matched), Err(StreamAppendError::Conflict(id)), Err(StreamAppendError::HigherVote(vote))];
        for result in results {
            let read: Appended = wire::decode(wire::encode(&Appended { number, result: result.clone() })).unwrap();
            prop_assert_eq!((read.number, read.result), (number, result));
        }
    }

    #[test]
    fn votes_read_back(vote in vote(), last in proptest::option::of(id()), flag: bool) {
        let mut request = VoteRequest::new(vote, last);
        request.leadership_transfer = flag;
        prop_assert_eq!(wire::decode::<VoteRequest>(wire::encode(&request)).unwrap(), request);
        let answer = VoteResponse::new(vote, last, flag);
        prop_assert_eq!(wire::decode::<VoteResponse>(wire::encode(&answer)).unwrap(), answer);
    }

    #[test]
    fn transfers_read_back(vote in vote(), to: u64, last in proptest::option::of(id())) {
        let request = TransferRequest::new(vote, to, last);
        prop_assert_eq!(wire::decode::<TransferRequest>(wire::encode(&request)).unwrap(), request);
        let answers: [TransferResponse; 3] = [
            Ok(()),
            Err(TransferLeaderError::VoteChanged { expected: vote, actual: vote }),
            Err(TransferLeaderError::LogNotFlushed { expected: last, actual: None }),
        ];
        for answer in answers {
            prop_assert_eq!(wire::decode::<TransferResponse>(wire::encode(&answer)).unwrap(), answer);
        }
    }

    #[test]
    fn positions_read_back(term in 0..9u64, index: u64, membership in membership()) {
        prop_assert_eq!(Membership::decode(&membership.encode()).unwrap(), membership.clone());
        let position = Position { id: EntryId { term, index }, membership: membership.encode() };
        prop_assert_eq!(Position::decode(&position.encode()).unwrap(), position.clone());
        let offer = Offer { vote: Vote::new_committed(9, 1), position: position.clone() };
        prop_assert_eq!(wire::decode::<Offer>(wire::encode(&offer)).unwrap().position, position.clone());
        let late = Offer { vote: Vote::new_committed(term, 1), position: Position { id: EntryId { term: 9, index }, ..position } };
        prop_assert!(wire::decode::<Offer>(wire::encode(&late)).is_err());
    }

    #[test]
    fn noise_is_refused_or_read_but_never_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), good: bool) {
        if let (true, Some(first)) = (good, bytes.first_mut()) {
            *first = 1;
        }
        let bytes = Bytes::from(bytes);
        let _ = wire::decode::<Append>(bytes.clone());
        let _ = wire::decode::<Appended>(bytes.clone());
        let _ = wire::decode::<VoteRequest>(bytes.clone());
        let _ = wire::decode::<VoteResponse>(bytes.clone());
        let _ = wire::decode::<TransferRequest>(bytes.clone());
        let _ = wire::decode::<TransferResponse>(bytes.clone());
        let _ = wire::decode::<Offer>(bytes.clone());
        let _ = wire::decode_piece(bytes.clone());
        let _ = Membership::decode(&bytes);
        let _ = Position::decode(&bytes);
    }

    #[test]
    fn damaged_requests_are_never_a_panic(request in request(), at: prop::sample::Index, to: u8) {
        let mut frame = wire::encode_append(1, &request).to_vec();
        let at = at.index(frame.len());
        frame[at] = to;
        if let Ok(read) = wire::decode::<Append>(frame.into()) {
            let indexes: Vec<u64> = read.request.entries.iter().map(|entry| entry.log_id.index()).collect();
            prop_assert!(indexes.windows(2).all(|pair| pair[0] + 1 == pair[1]));
        }
    }
}

#[test]
fn a_snapshot_has_an_end() {
    let mut data = vec![wire::PIECE_DATA];
    data.extend_from_slice(b"state");
    assert!(matches!(wire::decode_piece(data.into()), Ok(Piece::Data(data)) if data == "state"));
    assert!(matches!(wire::decode_piece(wire::encode_end(5)), Ok(Piece::End(5))));
    assert!(wire::decode_piece(Bytes::from_static(b"\x01\x05")).is_err());
    assert!(wire::decode_piece(Bytes::new()).is_err());
}

#[test]
fn another_version_is_named() {
    let mut frame = wire::encode_end(1).to_vec();
    frame[0] = 9;
    let Err(error) = wire::decode::<VoteRequest>(frame.into()) else { panic!("read another version") };
    assert_eq!(error.to_string(), "version 9 is not the version 1 that this member reads");
}
