//! The server's log: lines in logfmt, as Kapacitor writes them, with a level that can be changed.

use config::tables::Logging;
use pipeline::logfmt::pair;
use std::fmt;
use std::fs::OpenOptions;
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

/// Changes the level of the log while the server runs.
#[derive(Clone)]
pub struct Handle(reload::Handle<LevelFilter, tracing_subscriber::Registry>);

impl api::LogLevel for Handle {
    fn set(&self, level: &str) -> bool {
        let Some(filter) = filter(level) else { return false };
        self.0.reload(filter).is_ok()
    }
}

/// Starts the log.
pub fn start(config: &Logging) -> Result<Handle, String> {
    let level = filter(&config.level).unwrap_or(LevelFilter::INFO);
    let (level, handle) = reload::Layer::new(level);
    let writer = match config.file.as_str() {
        "STDERR" | "" => BoxMakeWriter::new(std::io::stderr),
        "STDOUT" => BoxMakeWriter::new(std::io::stdout),
        path => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            BoxMakeWriter::new(std::sync::Mutex::new(
                file.map_err(|error| format!("cannot open the log file {path}: {error}"))?,
            ))
        }
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).event_format(Logfmt);
    let lines = lines.with_filter(filter_fn(|line| *line.level() <= level_max(line.target())));
    tracing_subscriber::registry()
        .with(level)
        .with(lines)
        .try_init()
        .map_err(|error| format!("cannot start the log: {error}"))?;
    Ok(Handle(handle))
}

/// What libraries may say at most: at level INFO they tell what only their authors want to know, and
/// openraft warns many times a second while a member is down, which the server itself says once.
fn level_max(target: &str) -> Level {
    let library = target.split(':').next().unwrap_or_default();
    match library {
        "openraft" | "openraft_rt" => Level::ERROR,
        "foca" | "h2" | "tonic" | "hyper" | "hyper_util" | "tower" | "rustls" => Level::WARN,
        _ => Level::TRACE,
    }
}

fn filter(level: &str) -> Option<LevelFilter> {
    Some(match level.to_ascii_uppercase().as_str() {
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" => LevelFilter::WARN,
        "ERROR" => LevelFilter::ERROR,
        "OFF" => LevelFilter::OFF,
        _ => return None,
    })
}

/// `ts=2026-11-20T10:00:44.353Z lvl=error msg="encountered error" key=value`
struct Logfmt;

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut parts = Parts::default();
        event.record(&mut parts);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            _ => "debug",
        };
        let mut line = format!("ts={} lvl={level}", timestamp());
        pair(&mut line, "msg", &parts.message);
        writeln!(out, "{line}{}", parts.rest)
    }
}

/// The message of an event, and its other fields as ` key=value`.
#[derive(Default)]
struct Parts {
    message: String,
    rest: String,
}

impl Parts {
    fn take(&mut self, field: &Field, text: &str) {
        match field.name() {
            "message" => self.message = text.to_owned(),
            // Pairs whose names are data, such as those of `|log()`: they are logfmt already.
            "pairs" => self.rest.push_str(text),
            name => pair(&mut self.rest, name, text),
        }
    }
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, &format!("{value:?}"));
    }
}

fn timestamp() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = String::new();
    let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 1_000_000);
    template::number::format_time_rfc3339nano(&mut text, millis * 1_000_000);
    text
}
