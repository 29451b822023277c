//! What happens to a simulated cluster: proposals, crashes, cuts, hand-overs, changes of membership.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use cluster::MemberId;
use cluster::raft::{EntryId, Group, Proposal, ProposeError};

use tokio::time::Instant;

use crate::chance::Chance;
use crate::member::Member;
use crate::net::Net;
use crate::oracle::Oracle;

/// How long a proposer, a reader or an operator waits for an answer.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long the cluster may take to come to rest after the last fault.
const REST: Duration = Duration::from_secs(60);

pub struct Story {
    pub members: Vec<Member>,
    pub oracle: Oracle,
    chance: Chance,
    net: Net,
    proposed: u64,
}

impl Story {
    /// A cluster of three or five members, founded.
    pub async fn begin(seed: u64) -> Story {
        let chance = Chance::new(seed);
        let count = if chance.one_in(2) { 3 } else { 5 };
        let (sync, save_every) = (chance.one_in(3), 5 + chance.below(40));
        let net = Net::new(seed ^ 0xabcd, Duration::from_micros(chance.below(3000)));
        let oracle = Oracle::default();
        let members = (1..=count).map(|me| Member::new(me, &net, &oracle, sync, save_every)).collect();
        let mut story = Story { members, oracle, chance, net, proposed: 0 };
        for member in &mut story.members {
            member.start().await;
        }
        story.members[0].group().unwrap().found((1..=count).collect()).await.unwrap();
        story
    }

    /// Lets things happen.
    pub async fn unfold(&mut self, steps: u64) {
        for _ in 0..steps {
            match self.chance.below(16) {
                0 => self.crash().await,
                1 | 2 => self.restart().await,
                3 => self.cut(),
                4 | 5 => self.net.heal(),
                6 => self.hand_over().await,
                7 => self.read().await,
                8 => self.change_voters().await,
                _ => self.propose().await,
            }
            self.look().await;
            let pause = Duration::from_millis(self.chance.below(60));
            tokio::time::sleep(pause).await;
            self.look().await;
        }
    }

    fn ids(&self, up: bool) -> Vec<MemberId> {
        self.members.iter().filter(|member| member.life.is_some() == up).map(|member| member.me).collect()
    }

    fn member(&mut self, id: MemberId) -> &mut Member {
        &mut self.members[id as usize - 1]
    }

    fn leader(&self) -> Option<Group> {
        let groups = self.members.iter().filter_map(Member::group);
        // An old leader may not know better: the newest term is most likely right, and either is tried.
        groups.filter(|group| group.status().leads()).max_by_key(|group| group.status().term).cloned()
    }

    /// A member dies, and comes back later or at once.
    async fn crash(&mut self) {
        let back = self.chance.one_in(2);
        if let Some(id) = self.chance.pick(&self.ids(true)) {
            self.member(id).crash().await;
            if back {
                self.member(id).start().await;
            }
        }
    }

    async fn restart(&mut self) {
        if let Some(id) = self.chance.pick(&self.ids(false)) {
            self.member(id).start().await;
        }
    }

    /// Cuts one way, both ways, or all ways of a member.
    fn cut(&mut self) {
        let (all, breaking) = (1..=self.members.len() as u64, self.chance.one_in(2));
        let (one, other) = (1 + self.chance.below(*all.end()), 1 + self.chance.below(*all.end()));
        match self.chance.below(3) {
            0 => self.net.cut(one, other, breaking),
            1 => {
                self.net.cut(one, other, breaking);
                self.net.cut(other, one, breaking);
            }
            _ => {
                let outward = self.chance.one_in(2);
                for other in all.filter(|other| *other != one) {
                    self.net.cut(other, one, breaking);
                    if outward {
                        self.net.cut(one, other, breaking);
                    }
                }
            }
        }
    }

    async fn hand_over(&mut self) {
        let to = 1 + self.chance.below(self.members.len() as u64);
        if let Some(leader) = self.leader() {
            // It may be down, cut off or no voter; all that matters is that nothing breaks.
            let _ = leader.hand_over(to, PATIENCE).await;
        }
    }

    /// A read must see all that was acknowledged before it started.
    async fn read(&mut self) {
        let Some(leader) = self.leader() else { return };
        let wanted = self.oracle.acknowledged_index();
        let read = tokio::time::timeout(PATIENCE, leader.read_index()).await;
        if let Ok(Ok(index)) = read
            && wanted.is_some_and(|wanted| index < wanted)
        {
            self.oracle.violated(format!("a read sees {index}, {wanted:?} was acknowledged before"));
        }
    }

    /// Makes some of the members the voters.
    async fn change_voters(&mut self) {
        let Some(leader) = self.leader() else { return };
        let all = 1..=self.members.len() as u64;
        let mut voters: BTreeSet<MemberId> = all.filter(|_| !self.chance.one_in(3)).collect();
        voters.insert(leader.me());
        let changed = async {
            for id in &voters {
                leader.add_learner(*id, PATIENCE).await?;
            }
            leader.set_voters(voters.clone()).await
        };
        let _ = tokio::time::timeout(PATIENCE * 2, changed).await;
    }

    /// One proposer makes several proposals without waiting, then waits for all the answers.
    async fn propose(&mut self) {
        let Some(leader) = self.leader() else { return };
        let mut answers = Vec::new();
        for _ in 0..1 + self.chance.below(30) {
            self.proposed += 1;
            let value = 1 << 32 | self.proposed;
            let padding = if self.chance.one_in(8) { self.chance.below(40_000) } else { 0 };
            answers.push((value, leader.propose(proposal(value, padding as usize))));
        }
        let limit = Instant::now() + PATIENCE;
        for (value, answer) in answers {
            match tokio::time::timeout_at(limit, answer).await {
                Ok(Ok((id, answer))) => {
                    self.acknowledged(value, id, &answer);
                }
                Ok(Err(ProposeError::TooLarge { .. })) => self.oracle.violated("too large".to_owned()),
                // Not taken, or nobody knows.
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    fn acknowledged(&self, value: u64, id: EntryId, answer: &[u8]) {
        if answer != id.index.to_le_bytes() {
            self.oracle.violated(format!("{value:x} at {id:?} got the answer to another proposal"));
        }
        self.oracle.acknowledged(value, id);
    }

    /// Looks at everybody: who leads, who is broken, who has saved something.
    async fn look(&self) {
        for member in &self.members {
            let Some(group) = member.group() else { continue };
            let status = group.status();
            if status.leads() {
                self.oracle.leads(member.me, status.term);
            }
            if let Some(fatal) = status.fatal {
                self.oracle.violated(format!("member {} is broken: {fatal}", member.me));
            }
            if member.disk.take_news() {
                group.snapshot_saved().await.unwrap();
            }
        }
    }

    /// All faults end; everybody must come to have everything.
    pub async fn end(&mut self) {
        self.net.heal();
        for id in self.ids(false) {
            self.member(id).start().await;
        }
        let settled = tokio::time::timeout(REST, self.settle()).await;
        if settled.is_err() {
            let stands: Vec<_> = self.members.iter().filter_map(Member::group).map(Group::status).collect();
            self.oracle.violated(format!("the cluster does not come to rest: {stands:#?}"));
            return;
        }
        for member in &self.members {
            let Some(life) = &member.life else { continue };
            self.oracle.judge(member.me, &life.applied.lock().clone());
        }
        for member in &mut self.members {
            member.crash().await;
        }
    }

    async fn settle(&mut self) {
        let all: BTreeSet<MemberId> = (1..=self.members.len() as u64).collect();
        let last = loop {
            self.look().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            let Some(leader) = self.leader() else { continue };
            if leader.status().voters != all {
                for id in &all {
                    let _ = leader.add_learner(*id, Duration::from_secs(2)).await;
                }
                let _ = leader.set_voters(all.clone()).await;
                continue;
            }
            self.proposed += 1;
            let value = 1 << 32 | self.proposed;
            if let Ok((id, answer)) = leader.propose(proposal(value, 0)).await {
                self.acknowledged(value, id, &answer);
                break id.index;
            }
        };
        for member in &self.members {
            let Some(group) = member.group() else { continue };
            while !group.wait_applied(last, Duration::from_millis(50)).await {
                self.look().await;
            }
        }
    }
}

fn proposal(value: u64, padding: usize) -> Proposal {
    let mut bytes = BytesMut::with_capacity(8 + padding);
    bytes.put_u64_le(value);
    bytes.put_bytes(0x5a, padding);
    Proposal { kind: 7, bytes: bytes.freeze() }
}
