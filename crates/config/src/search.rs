//! Finding the configuration file and putting file, environment and flags together.

use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::{Environment, apply_environment};
use crate::file::read_file;
use crate::problem::{Error, Problem};
use crate::setting::Setting;
use crate::tables::Config;
use crate::validate::validate;

/// Where the system keeps the file.
const SYSTEM_FILE: &str = "/etc/kapacitor/kapacitor.conf";

/// Given as `-config`, this path means: no file.
const NO_FILE: &str = "/dev/null";

/// Everything that decides which configuration is loaded.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    /// The value of `-config`.
    pub flag: Option<&'a Path>,
    /// The environment variables.
    pub env: &'a Environment,
    /// The home directory of the user.
    pub home: Option<&'a Path>,
    /// The file to fall back on, normally `/etc/kapacitor/kapacitor.conf`.
    pub system: &'a Path,
    /// Values of flags that go over file and environment.
    pub flags: Flags<'a>,
    /// Paths that the file leaves out are put under the home directory, as `kapacitord config`
    /// does. Without a file they always are.
    pub paths_at_home: bool,
}

/// Flags of the server that override a setting.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags<'a> {
    /// `-hostname`.
    pub hostname: Option<&'a str>,
    /// `-log-file`.
    pub log_file: Option<&'a str>,
    /// `-log-level`.
    pub log_level: Option<&'a str>,
}

/// A configuration that passed every check.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values in force.
    pub config: Config,
    /// The file they came from; `None` for built-in defaults.
    pub source: Option<PathBuf>,
    /// What should be said but does not keep the server from starting.
    pub warnings: Vec<Problem>,
}

impl<'a> Search<'a> {
    /// The usual search.
    pub fn new(flag: Option<&'a Path>, env: &'a Environment, home: Option<&'a Path>) -> Self {
        Search {
            flag,
            env,
            home,
            system: Path::new(SYSTEM_FILE),
            flags: Flags::default(),
            paths_at_home: false,
        }
    }

    /// The file to read: `-config`, then `KAPACITOR_CONFIG_PATH`, then `~/.kapacitor`, then `/etc`.
    /// Only the first two may name a file that does not exist.
    fn file(&self) -> Option<PathBuf> {
        if let Some(path) = self.flag {
            return (path != Path::new(NO_FILE)).then(|| path.to_path_buf());
        }
        if let Some(path) = self.env.get("KAPACITOR_CONFIG_PATH") {
            return (path != NO_FILE).then(|| PathBuf::from(path));
        }
        let at_home = self.home.map(|home| home.join(".kapacitor/kapacitor.conf"));
        at_home
            .into_iter()
            .chain([self.system.to_path_buf()])
            // An empty file is no configuration.
            .find(|path| fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() > 0))
    }
}

impl Config {
    /// Loads the configuration: defaults, then the file, then the environment, then flags; and
    /// checks it. Every problem found is in the error.
    pub fn load(search: &Search<'_>) -> Result<Loaded, Error> {
        let source = search.file();
        let text = match &source {
            Some(path) => read_text(path)?,
            None => String::new(),
        };
        let mut config = Config::default();
        if source.is_none() || search.paths_at_home {
            config.put_paths_under(search.home);
        }
        let (mut problems, mut warnings) = read_file(&mut config, &text);
        let (more, unused) = apply_environment(&mut config, search.env);
        problems.extend(more);
        warnings.extend(unused);
        config.apply_flags(search.flags);
        config.fill();
        // Checks on values that could not be read would only repeat what is known.
        if problems.is_empty() {
            problems = validate(&config);
        }
        if problems.is_empty() {
            Ok(Loaded { config, source, warnings })
        } else {
            Err(Error::Invalid { path: source, problems })
        }
    }

    /// Reads a configuration from a text, without environment, for tools and tests.
    pub fn from_toml(text: &str) -> Result<(Config, Vec<Problem>), Error> {
        let mut config = Config::default();
        let (mut problems, warnings) = read_file(&mut config, text);
        config.fill();
        if problems.is_empty() {
            problems = validate(&config);
        }
        if problems.is_empty() {
            Ok((config, warnings))
        } else {
            Err(Error::Invalid { path: None, problems })
        }
    }

    fn put_paths_under(&mut self, home: Option<&Path>) {
        let Some(base) = home.map(|home| home.join(".kapacitor")) else {
            return;
        };
        let paths = [
            &mut self.replay.dir,
            &mut self.task.dir,
            &mut self.storage.boltdb,
            &mut self.data_dir,
            &mut self.load.dir,
        ];
        for path in paths {
            let relative = path.trim_start_matches("./");
            let joined = if relative.is_empty() { base.clone() } else { base.join(relative) };
            *path = joined.to_string_lossy().into_owned();
        }
    }

    fn apply_flags(&mut self, flags: Flags<'_>) {
        let pairs = [
            (flags.hostname, &mut self.hostname),
            (flags.log_file, &mut self.logging.file),
            (flags.log_level, &mut self.logging.level),
        ];
        for (flag, setting) in pairs {
            if let Some(value) = flag.filter(|value| !value.is_empty()) {
                *setting = value.to_owned();
            }
        }
    }
}

/// The file's text; a byte order mark, as some editors leave, is cut.
fn read_text(path: &Path) -> Result<String, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}
