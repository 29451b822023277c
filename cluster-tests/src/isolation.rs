//! A world of its own for each scenario: namespaces for network, mounts and processes, by `unshare`.
//!
//! Ports never clash with anything, faults are felt by nobody else, and when the first process of
//! the world ends, the kernel ends all others.

use crate::failure::{Failure, Outcome};
use std::ffi::OsStr;
use std::io::Error;
use std::process::{Command, Stdio};

/// When set to 1, a scenario that needs faults this machine cannot give fails instead of being
/// skipped.
pub const REQUIRE: &str = "FARAD_REQUIRE_FAULTS";

/// Set in a process that runs in a world of its own.
const INSIDE: &str = "FARAD_ISOLATED";

const WORLD: [&str; 5] = ["--net", "--mount", "--pid", "--mount-proc", "--kill-child"];

/// How a world can be had on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// With these options of `unshare`.
    Unshare(Vec<&'static str>),
    /// Not at all, and why.
    Unavailable(String),
}

impl Isolation {
    /// Tries what this machine allows: as root, then as a user who becomes root of the world.
    pub fn find() -> Isolation {
        let mut why = String::new();
        for first in [&[][..], &["--user", "--map-root-user"][..]] {
            let options = [first, &WORLD[..]].concat();
            match Command::new("unshare").args(&options).arg("true").stdin(Stdio::null()).output() {
                Ok(output) if output.status.success() => return Isolation::Unshare(options),
                Ok(output) => why = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                Err(error) => why = format!("unshare: {error}"),
            }
        }
        Isolation::Unavailable(why)
    }

    /// A command that runs a program in such a world, or as it is where there is none.
    pub fn command(&self, program: &OsStr) -> Command {
        match self {
            Isolation::Unshare(options) => {
                let mut command = Command::new("unshare");
                command.args(options).arg("--").arg(program).env(INSIDE, "1");
                command
            }
            Isolation::Unavailable(_) => Command::new(program),
        }
    }
}

/// Whether this process is in a world of its own.
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Makes the loopback addresses of a new world work.
pub fn prepare() -> Outcome {
    if inside() { raise_loopback() } else { Ok(()) }
}

/// For scenarios that need a world of their own.
pub fn require_inside(what: &str) -> Outcome {
    match inside() {
        true => Ok(()),
        false => Err(Failure::Skipped(format!("{what} needs namespaces, which unshare cannot make here"))),
    }
}

/// `ip link set lo up`, without needing iproute2.
fn raise_loopback() -> Outcome {
    let machine =
        |source: Error| Failure::Machine { what: "bring the loopback device up".to_owned(), source };
    // SAFETY: an all-zero ifreq is a valid value of this plain C struct.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: plain system calls; the request outlives the ioctl, and the socket is closed once.
    let done = unsafe {
        let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        if socket < 0 {
            return Err(machine(Error::last_os_error()));
        }
        let done = libc::ioctl(socket, libc::SIOCSIFFLAGS as _, &raw const request);
        let error = Error::last_os_error();
        libc::close(socket);
        if done < 0 { Err(error) } else { Ok(()) }
    };
    done.map_err(machine)
}
