//! Processes that must not outlive us: the kernel ends them when we end, however we do.

use std::io::{Error, Result};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Has the process of a command ended when the thread that starts it ends, by SIGKILL.
pub fn end_with_us(command: &mut Command) {
    // SAFETY: prctl is a plain system call, allowed between fork and exec; it touches no memory.
    unsafe { command.pre_exec(ask_for_it) };
}

fn ask_for_it() -> Result<()> {
    // SAFETY: a plain system call without pointers.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
