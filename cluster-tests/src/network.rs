//! Faults between members: packets that are dropped by their addresses, with `nft` in the scenario's
//! own network namespace.

use crate::failure::{Failure, Outcome, Trying};
use crate::isolation;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

const PROGRAMS: [&str; 3] = ["nft", "/usr/sbin/nft", "/sbin/nft"];

/// The rules of this world. Members send from their own addresses, so rules can tell them apart.
#[derive(Debug)]
pub struct Network {
    program: &'static str,
}

impl Network {
    /// Makes an empty set of rules; says what is missing when this machine cannot have any.
    pub fn open() -> Outcome<Network> {
        isolation::require_inside("a fault of the network")?;
        let found = PROGRAMS.into_iter().find(|program| Command::new(program).arg("-v").output().is_ok());
        let missing = || {
            let text =
                "a fault of the network needs nft (Debian's package nftables: make prerequisites-test)";
            Failure::Skipped(text.to_owned())
        };
        let network = Network { program: found.ok_or_else(missing)? };
        // Where packets arrive: one dropped where it leaves would be an error that its sender sees.
        let chain =
            "add table ip farad\nadd chain ip farad arriving { type filter hook input priority 0; }\n";
        match network.run(chain) {
            Err(Failure::Broken(why)) => {
                Err(Failure::Skipped(format!("nft has no rights or rules here: {why}")))
            }
            other => other.map(|()| network),
        }
    }

    /// Nothing goes between two members, in either direction.
    pub fn cut(&self, one: Ipv4Addr, other: Ipv4Addr) -> Outcome {
        let rule = |from, to| format!("add rule ip farad arriving ip saddr {from} ip daddr {to} drop\n");
        self.run(&(rule(one, other) + &rule(other, one)))
    }

    /// One member can no longer call another one's `port`, nor send it datagrams; the other way works.
    pub fn deafen(&self, caller: Ipv4Addr, called: SocketAddr) -> Outcome {
        let (ip, port) = (called.ip(), called.port());
        let rule = format!("add rule ip farad arriving ip saddr {caller} ip daddr {ip}");
        self.run(&format!("{rule} tcp dport {port} drop\n{rule} meta l4proto udp drop\n"))
    }

    /// Everything goes through again.
    pub fn heal(&self) -> Outcome {
        self.run("flush chain ip farad arriving\n")
    }

    fn run(&self, rules: &str) -> Outcome {
        let mut command = Command::new(self.program);
        command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().trying("run nft")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(rules.as_bytes()).trying("tell nft its rules")?;
        }
        let output = child.wait_with_output().trying("wait for nft")?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Failure::broken(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
        }
    }
}
