//! `exec`: runs a program with the event as JSON on its standard input.
//!
//! The program runs in a process group of its own, which is killed when the attempt takes too
//! long. A program that fails is run again a few times only:
//! it may have done its work before it failed.

use super::{Attempt, Built, Handler, Kind, Limits, Services};
use crate::error::os_text;
use crate::options::Options;
use crate::{DeliveryError, OptionDef, OptionKind};
use alert::Delivery;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

pub(super) static KIND: Kind = Kind {
    name: "exec",
    method: "exec",
    config: "alert.ExecHandlerConfig",
    summary: "runs a program with the event as JSON on its standard input",
    options: &[
        OptionDef { name: "prog", kind: OptionKind::Text, summary: "the program, looked up in PATH" },
        OptionDef { name: "args", kind: OptionKind::Texts, summary: "its arguments" },
    ],
    build,
};

/// Names the delivery to the program, so that it may see that an event comes again.
const KEY: &str = "FARAD_IDEMPOTENCY_KEY";
/// How much of what the program prints is kept for the error message.
const OUTPUT_BYTES_MAX: usize = 8 << 10;
/// How long the output is waited for after the program ended: something it left running in the
/// background may hold the pipes open for ever.
const OUTPUT_GRACE: Duration = Duration::from_millis(250);

fn build(options: &Options<'_>, _: &Services) -> Built {
    Ok(Arc::new(Exec { prog: options.needed_text("prog")?, args: options.texts("args")? }))
}

struct Exec {
    prog: String,
    args: Vec<String>,
}

impl Handler for Exec {
    fn limits(&self) -> Limits {
        Limits { timeout: Duration::from_secs(60), concurrency_max: 4, attempts_max: Some(3) }
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> Attempt<'a> {
        Box::pin(async move {
            let mut input = delivery.payload();
            input.push(b'\n');
            let mut child = self.command(delivery).spawn().map_err(|error| {
                let error = format!("fork/exec {}: {}", self.prog, os_text(&error));
                failed(&error, &[])
            })?;
            let group = Group::of(&child);
            let (status, output) =
                run(&mut child, input).await.map_err(|error| failed(&os_text(&error), &[]))?;
            // It has ended: what it leaves behind in the background may stay, and its number may
            // soon be another's.
            group.release();
            if status.success() { Ok(()) } else { Err(failed(&ending(status), &output)) }
        })
    }
}

impl Exec {
    fn command(&self, delivery: &Delivery) -> Command {
        let mut command = Command::new(&self.prog);
        command.args(&self.args).env(KEY, delivery.key());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }
}

fn failed(why: &str, output: &[u8]) -> DeliveryError {
    DeliveryError::retryable("exec command failed", why)
        .with("output", String::from_utf8_lossy(output).trim())
}

/// How a program ended, in Go's words.
fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Feeds the program and waits for it; returns how it ended and the beginning of its output.
async fn run(child: &mut Child, input: Vec<u8>) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input is no failure: only its exit code counts.
            let _ = stdin.write_all(&input).await;
        }
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = {
        let listen = async { tokio::join!(capture(stdout, &mut out), capture(stderr, &mut err)) };
        let mut talk = std::pin::pin!(async { tokio::join!(feed, listen) });
        let mut talking = true;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                _ = &mut talk, if talking => talking = false,
            }
        };
        if talking {
            // Running out of this time is expected, see above.
            let _ = tokio::time::timeout(OUTPUT_GRACE, talk).await;
        }
        status
    };
    out.append(&mut err);
    Ok((status, out))
}

/// Reads to the end so that the program never blocks, and keeps the beginning.
async fn capture(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
}

/// The process group of a program: killed when this is dropped, unless it was released.
struct Group(Option<libc::pid_t>);

impl Group {
    fn of(child: &Child) -> Group {
        Group(child.id().and_then(|id| libc::pid_t::try_from(id).ok()))
    }

    fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.filter(|group| *group > 1) {
            // SAFETY: kill takes no pointers; the group is the one that we made for this program,
            // and an error (nobody is left) needs no answer.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
    }
}
