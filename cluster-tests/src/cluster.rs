//! Several members, and what a scenario does to them.

use crate::failure::{Failure, Outcome};
use crate::member::{Member, Plan};
use crate::roles::Roles;
use crate::wait;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Longest wait until members are a whole cluster.
const WHOLE: Duration = Duration::from_secs(60);

/// Which process is which member, for the receiver.
pub type Processes = Arc<Mutex<Vec<(u32, usize)>>>;

/// The members of a scenario.
#[derive(Debug)]
pub struct Cluster {
    plan: Plan,
    members: Vec<Member>,
    processes: Processes,
}

impl Cluster {
    /// Starts as many members as the plan expects, and waits until they are a cluster.
    pub fn start(plan: Plan) -> Outcome<Cluster> {
        let mut cluster = Cluster { members: Vec::new(), processes: Processes::default(), plan };
        for _ in 0..cluster.plan.expect {
            cluster.add();
        }
        cluster.start_all()?;
        Ok(cluster)
    }

    /// One that is not started yet, for clocks and disks of its own to be put in.
    pub fn prepare(plan: Plan) -> Cluster {
        let mut cluster = Cluster { members: Vec::new(), processes: Processes::default(), plan };
        for _ in 0..cluster.plan.expect {
            cluster.add();
        }
        cluster
    }

    /// One more member, not started yet; gives its number.
    pub fn add(&mut self) -> usize {
        let index = self.members.len();
        self.members.push(Member::new(index, &self.plan));
        index
    }

    /// Starts all that do not run, and waits until they are a cluster.
    pub fn start_all(&mut self) -> Outcome {
        for index in 0..self.members.len() {
            if self.member(index)?.pid().is_none() {
                self.launch(index)?;
            }
        }
        self.whole()
    }

    /// Starts one, and waits until it answers.
    pub fn start_member(&mut self, index: usize) -> Outcome {
        self.launch(index)?;
        self.member(index)?.answers()
    }

    /// Starts one, which need not answer.
    pub fn launch(&mut self, index: usize) -> Outcome {
        let member = self.member(index)?;
        member.start()?;
        let pid = member.pid();
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        processes.extend(pid.map(|pid| (pid, index)));
        Ok(())
    }

    /// SIGKILL for one.
    pub fn kill9(&mut self, index: usize) -> Outcome {
        self.member(index)?.kill9()
    }

    /// SIGTERM for one, and waits for its end.
    pub fn shut_down(&mut self, index: usize) -> Outcome {
        let member = self.member(index)?;
        member.terminate()?;
        member.ends()
    }

    /// A member.
    pub fn member(&mut self, index: usize) -> Outcome<&mut Member> {
        let unknown = || Failure::broken(format!("there is no member {index}"));
        self.members.get_mut(index).ok_or_else(unknown)
    }

    /// Members that have a process, by number.
    pub fn running(&self) -> Vec<usize> {
        self.members.iter().filter(|member| member.pid().is_some()).map(|member| member.index).collect()
    }

    /// Where running members' APIs listen.
    pub fn targets(&self) -> Vec<SocketAddr> {
        self.running_members().map(Member::api).collect()
    }

    /// Running members.
    pub fn running_members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.pid().is_some())
    }

    /// Which process is which member.
    pub fn processes(&self) -> Processes {
        self.processes.clone()
    }

    /// Whether it is a server on its own.
    pub fn alone(&self) -> bool {
        self.plan.expect == 1
    }

    /// Fails when a member ended by itself.
    pub fn check(&mut self) -> Outcome {
        self.members.iter_mut().try_for_each(Member::check)
    }

    /// Waits until every running member sees all running members alive and a leader everywhere.
    pub fn whole(&mut self) -> Outcome {
        for index in self.running() {
            self.member(index)?.answers()?;
        }
        if self.alone() {
            return Ok(());
        }
        wait::until("the members to be a whole cluster", WHOLE, || {
            let names: Vec<String> = self.running_members().map(Member::name).collect();
            for member in &mut self.members {
                member.check().map_err(|failure| failure.to_string())?;
            }
            for member in self.running_members() {
                let checked = view(member).and_then(|roles| roles.check(&names, self.plan.shards as usize));
                checked.map_err(|why| format!("{} says: {why}", member.name()))?;
            }
            Ok(())
        })
    }

    /// The cluster as one of its running members sees it, with a leader everywhere.
    pub fn roles(&self) -> Outcome<Roles> {
        wait::until("a member to tell who leads", WHOLE, || {
            let mut why = "no member runs".to_owned();
            for member in self.running_members() {
                match view(member) {
                    Ok(roles) if roles.control.is_some() => return Ok(roles),
                    Ok(roles) => why = roles.list(),
                    Err(error) => why = error,
                }
            }
            Err(why)
        })
    }

    /// The cluster as one member sees it.
    pub fn seen_by(&self, index: usize) -> Result<Roles, String> {
        view(self.members.get(index).ok_or("there is no such member")?)
    }

    /// Number of the control group's leader; that of the only member.
    pub fn control_leader(&self) -> Outcome<usize> {
        if self.alone() {
            return Ok(0);
        }
        let roles = self.roles()?;
        self.numbered(roles.control.as_deref().unwrap_or_default())
    }

    /// Number of a member that leads a shard and, if there is one, does not lead the control group.
    pub fn shard_leader(&self) -> Outcome<usize> {
        let roles = self.roles()?;
        let mut leaders: Vec<&String> = roles.shards.iter().flatten().collect();
        leaders.sort_by_key(|name| (Some(*name) == roles.control.as_ref(), usize::MAX - roles.leads(name)));
        let first = leaders.first().ok_or_else(|| Failure::broken("no shard has a leader"))?;
        self.numbered(first)
    }

    /// Number of the running member that leads least: a follower, if there is one.
    pub fn follower(&self) -> Outcome<usize> {
        let roles = self.roles()?;
        let least = self.running_members().min_by_key(|member| {
            let name = member.name();
            (Some(&name) == roles.control.as_ref(), roles.leads(&name), member.index)
        });
        least.map(|member| member.index).ok_or_else(|| Failure::broken("no member runs"))
    }

    /// The number of a member with this name.
    fn numbered(&self, name: &str) -> Outcome<usize> {
        let found = (0..self.members.len()).find(|index| self.plan.ip(*index).to_string() == name);
        found.ok_or_else(|| Failure::broken(format!("no member is called {name:?}")))
    }
}

fn view(member: &Member) -> Result<Roles, String> {
    Roles::read(&member.json("/kapacitor/v1/cluster")?)
}
