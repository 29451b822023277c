//! `kapacitor define`: makes or changes a task.

use std::fs;
use std::path::Path;

use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use super::Command;
use super::switch::{DISABLED, ENABLED};
use crate::client::{ClientError, task_path};
use crate::dbrp::Dbrp;
use crate::excerpt::Mistake;
use crate::flags::{self, Flag, Kind, Parsed};
use crate::session::{Failure, Session};
use crate::vars;

const FLAGS: &[Flag] = &[
    Flag { name: "tick", kind: Kind::Text, doc: "Path to the TICKscript" },
    Flag { name: "type", kind: Kind::Text, doc: "The task type (stream|batch)" },
    Flag { name: "template", kind: Kind::Text, doc: "Optional template ID" },
    Flag { name: "vars", kind: Kind::Text, doc: "Optional path to a JSON vars file" },
    Flag {
        name: "file",
        kind: Kind::Text,
        doc: "Optional path to a JSON template task file. If id is given in the task file, it must match the Task id given on the command line.",
    },
    Flag { name: "no-reload", kind: Kind::Switch, doc: "Do not reload the task even if it is enabled" },
    Flag {
        name: "dbrp",
        kind: Kind::Many,
        doc: "A database and retention policy pair of the form \"db\".\"rp\" the quotes are optional. The flag can be specified multiple times.",
    },
];

pub(super) const DEFINE: Command = Command {
    name: "define",
    summary: "Create/update a task.",
    usage: "Usage: kapacitor define <task ID> [options]

	Create a task, or change one that exists. What no option names stays as it is.

	An enabled task is reloaded, so that it runs as it is now defined, unless -no-reload is given.

	A new task needs a script, and databases with retention policies unless the script has them:

		$ kapacitor define my_task -tick path/to/TICKscript -type stream -dbrp mydb.myrp

	Later a single property can be changed:

		$ kapacitor define my_task -tick path/to/TICKscript
		$ kapacitor define my_task -dbrp mydb.myrp -dbrp otherdb.default

	NOTE: the -dbrp options given replace all that the task had.
",
    flags: FLAGS,
    run,
};

fn run(session: &mut Session<'_>, args: &[String]) -> Result<(), Failure> {
    let (id, options) = match args.split_first() {
        Some((id, options)) if !id.starts_with('-') => (id, options),
        Some((flag, _)) if matches!(flag.as_str(), "-h" | "-help" | "--help") => {
            return Err(Failure::Help);
        }
        _ => return Err(Failure::Arguments("Must provide a task ID.".to_owned())),
    };
    let parsed = flags::parse(FLAGS, options)?;
    if let Some(extra) = parsed.rest.first() {
        return Err(Failure::Arguments(format!(
            "unexpected argument {extra}; options come after the task ID"
        )));
    }
    let script = read_script(parsed.text("tick"))?;
    let mut settings = match parsed.text("file") {
        "" => settings(&parsed, script.as_deref())?,
        file => {
            for flag in FLAGS.iter().filter(|flag| !matches!(flag.name, "file" | "no-reload")) {
                if parsed.all(flag.name).next().is_some() {
                    writeln!(session.err, "-{} has no effect together with -file", flag.name)?;
                }
            }
            file_settings(file, id)?
        }
    };
    let existing = match session.client.task(id, "") {
        Ok(task) => Some(task),
        Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let path = task_path(id);
    let result = if existing.is_some() {
        session.client.update_task(&path, &Value::Object(settings))
    } else {
        settings.insert("id".to_owned(), json!(id));
        if parsed.text("file").is_empty() {
            settings.insert("status".to_owned(), json!(DISABLED));
        }
        session.client.create_task(&Value::Object(settings))
    };
    if let Err(error) = result {
        let excerpt = explain(session, parsed.text("tick"), script.as_deref(), &error)?;
        return Err(Failure::FailedInScript(error.to_string(), excerpt));
    }
    if existing.is_some_and(|task| task.status == ENABLED) && !parsed.on("no-reload") {
        session.client.update_task(&path, &json!({ "status": DISABLED }))?;
        session.client.update_task(&path, &json!({ "status": ENABLED }))?;
    }
    Ok(())
}

/// The script, if one is named.
fn read_script(path: &str) -> Result<Option<String>, Failure> {
    if path.is_empty() { Ok(None) } else { read(path).map(Some) }
}

fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::Failed(format!("failed to open file {path}: {error}")))
}

/// The settings that the options name.
fn settings(parsed: &Parsed, script: Option<&str>) -> Result<Map<String, Value>, Failure> {
    let mut settings = Map::new();
    match parsed.text("type") {
        "" => {}
        kind @ ("stream" | "batch") => {
            settings.insert("type".to_owned(), json!(kind));
        }
        other => {
            return Err(Failure::Arguments(format!("invalid task type {other}; it is stream or batch")));
        }
    }
    if !parsed.text("template").is_empty() {
        settings.insert("template-id".to_owned(), json!(parsed.text("template")));
    }
    let pairs: Vec<Dbrp> = parsed
        .all("dbrp")
        .map(|text| {
            Dbrp::parse(text).map_err(|why| {
                Failure::Arguments(format!("invalid value {} for flag -dbrp: {why}", tick::quote(text)))
            })
        })
        .collect::<Result<_, _>>()?;
    if !pairs.is_empty() {
        settings.insert("dbrps".to_owned(), json!(pairs));
    }
    if let Some(script) = script {
        settings.insert("script".to_owned(), json!(script));
    }
    let file = parsed.text("vars");
    if !file.is_empty() {
        let vars = vars::read_vars(&read(file)?)
            .map_err(|why| Failure::Failed(format!("invalid JSON in file {file}: {why}")))?;
        if !vars.is_empty() {
            settings.insert("vars".to_owned(), Value::Object(vars));
        }
    }
    Ok(settings)
}

/// The settings that a task file names.
fn file_settings(path: &str, id: &str) -> Result<Map<String, Value>, Failure> {
    match Path::new(path).extension().and_then(|extension| extension.to_str()) {
        Some("json") => {}
        Some("yaml" | "yml") => {
            return Err(Failure::Failed(format!(
                "cannot read {path}: YAML is not supported yet; write the file as JSON"
            )));
        }
        _ => {
            return Err(Failure::Failed("bad file extension. Must be JSON".to_owned()));
        }
    }
    let file = vars::read_task_file(&read(path)?)
        .map_err(|why| Failure::Failed(format!("failed to unmarshal json task vars file {path:?}: {why}")))?;
    if !file.id.is_empty() && file.id != id {
        return Err(Failure::Failed(format!("Task id given on command line does not match id in {path}")));
    }
    Ok(file.settings)
}

/// The place in the script that the server's text is about: by the parser's own view of it when it
/// does not even parse, else where the text says. Empty when there is no such place.
fn explain(
    session: &Session<'_>,
    path: &str,
    script: Option<&str>,
    error: &ClientError,
) -> Result<Vec<u8>, Failure> {
    let mut excerpt = Vec::new();
    let (Some(script), ClientError::Refused { message, .. }) = (script, error) else {
        return Ok(excerpt);
    };
    let mistake = match tick::parse(script) {
        Err(diagnostic) => Some(Mistake::from_diagnostic(&diagnostic)),
        Ok(_) => Mistake::from_text(message, script),
    };
    if let Some(mistake) = mistake {
        mistake.write(path, script, session.surroundings.color, &mut excerpt)?;
    }
    Ok(excerpt)
}
