//! The image, with the binaries that cargo made for the tests.

use crate::command::run;
use crate::engine::Engine;
use cluster_tests::failure::Trying;
use cluster_tests::{Failure, Outcome, binary};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What the image holds.
const BINARIES: [&str; 5] = ["kapacitord", "kapacitor", "kapacitorctl", "tickfmt", "farad-demo"];

/// The packages they are made of.
const PACKAGES: [&str; 3] = ["farad-node", "farad-cli", "farad-demo"];

const LIMIT: Duration = Duration::from_secs(120);

/// An image that is removed with this value.
pub struct Image<'a> {
    /// The engine that has it.
    pub engine: &'a Engine,
    /// Its name.
    pub name: String,
}

impl Image<'_> {
    /// Builds it the way `deploy/docker/prebuilt.Dockerfile` says.
    pub fn build(engine: &Engine) -> Outcome<Image<'_>> {
        let folder = binary::profile_folder()?;
        if BINARIES.iter().any(|name| !folder.join(name).is_file()) {
            compile()?;
        }
        let context = tempfile::tempdir_in(&folder).trying("make a folder for the image's binaries")?;
        for name in BINARIES {
            place(&folder.join(name), &context.path().join(name))?;
        }
        let base = format!("BASE={}", engine.base()?);
        let runtime = "farad-runtime:test";
        let dockerfile = "deploy/docker/Dockerfile";
        let args = [
            "build",
            "-q",
            "-f",
            dockerfile,
            "--target",
            "runtime",
            "--build-arg",
            &base,
            "-t",
            runtime,
            ".",
        ];
        run(engine.docker_within(LIMIT).args(args))?;
        let image = Image { engine, name: "farad:test".to_owned() };
        let runtime = format!("RUNTIME={runtime}");
        let dockerfile = "deploy/docker/prebuilt.Dockerfile";
        let args = ["build", "-q", "-f", dockerfile, "--build-arg", &runtime, "-t", &image.name];
        run(engine.docker_within(LIMIT).args(args).arg(context.path()))?;
        Ok(image)
    }
}

impl Drop for Image<'_> {
    fn drop(&mut self) {
        // An image that stays costs a hundred megabytes; nothing depends on its being gone.
        let _ = run(self.engine.docker_within(LIMIT).args(["rmi", "-f", &self.name]));
    }
}

/// Testing the whole workspace has built them; testing this package alone may not have.
fn compile() -> Outcome {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.arg("build").args(PACKAGES.iter().flat_map(|package| ["-p", package]));
    match command.status().trying("run cargo build")?.success() {
        true => Ok(()),
        false => Err(Failure::broken("cargo build did not make the image's binaries")),
    }
}

/// A link is enough where the file system is one.
fn place(from: &Path, to: &Path) -> Outcome {
    if std::fs::hard_link(from, to).is_err() {
        std::fs::copy(from, to).trying(&format!("copy {} for the image", from.display()))?;
    }
    Ok(())
}
