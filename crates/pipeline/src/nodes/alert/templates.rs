//! Ids, messages and details of events, and what their templates see: Kapacitor's `idInfo`,
//! `messageInfo` and `detailsInfo`, each of which holds the one before.

mod details;

use crate::node::Server;
use model::{Level, Name, TagSet, Time};
use template::{Element, Encoded, Map, Object, Slot, Template, Value};

/// The templates of an alert.
pub(super) struct Templates {
    id: Template,
    message: Template,
    details: Template,
    server: ServerInfo,
}

/// What an event is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    /// Measurement.
    pub name: &'a str,
    /// The task.
    pub task: &'a str,
    /// Group id, empty when ungrouped.
    pub group: &'a str,
    /// Tags of the point or the batch.
    pub tags: &'a TagSet,
}

impl<'a> Subject<'a> {
    fn shown_group(&self) -> &'a str {
        if self.group.is_empty() { "nil" } else { self.group }
    }
}

/// What happened to it.
#[derive(Clone, Copy)]
pub(super) struct Happening<'a> {
    /// Fields, sorted by name.
    pub fields: &'a [(Name, model::Value)],
    /// The level.
    pub level: Level,
    /// The time.
    pub time: Time,
    /// Time since the alert left OK, nanoseconds.
    pub duration: i64,
}

impl Templates {
    /// Parses them. The error is Go's.
    pub fn parse(id: &str, message: &str, details: &str, server: &Server) -> Result<Templates, String> {
        let wrong = |error: template::Error| error.to_string();
        Ok(Templates {
            id: Template::text(id, "id").map_err(wrong)?,
            message: Template::text(message, "message").map_err(wrong)?,
            details: Template::html(details, "details").map_err(wrong)?,
            server: ServerInfo::new(server),
        })
    }

    /// The id of an event. `scratch` is any text; it is used up.
    pub fn id(&self, subject: Subject<'_>, scratch: &mut String) -> Result<String, template::Error> {
        render(&self.id, &self.id_info(subject), scratch)
    }

    /// The message and the details of an event. `scratch` is any text; it is used up.
    pub fn texts(
        &self,
        id: &str,
        subject: Subject<'_>,
        happening: Happening<'_>,
        scratch: &mut String,
    ) -> Result<(String, String), template::Error> {
        let info = self.message_info(id, subject, happening);
        let message = render(&self.message, &info, scratch)?;
        let details = render(&self.details, &DetailsInfo { info, message: &message }, scratch)?;
        Ok((message, details))
    }

    fn message_info<'a>(
        &'a self,
        id: &'a str,
        subject: Subject<'a>,
        happening: Happening<'a>,
    ) -> MessageInfo<'a> {
        MessageInfo { id_info: self.id_info(subject), id, happening, fields: Fields(happening.fields) }
    }

    fn id_info<'a>(&'a self, subject: Subject<'a>) -> IdInfo<'a> {
        IdInfo { subject, tags: Tags(subject.tags), server: &self.server }
    }
}

/// Renders by way of a text that has grown already, so that the result is allocated once, at its
/// length.
fn render(template: &Template, data: &dyn Object, scratch: &mut String) -> Result<String, template::Error> {
    scratch.clear();
    template.render(data, scratch)?;
    Ok(scratch.as_str().to_owned())
}

struct ServerInfo {
    server: Server,
    /// Its JSON in HTML text, which is the same in the details of all events.
    in_html: String,
}

impl ServerInfo {
    fn new(server: &Server) -> ServerInfo {
        ServerInfo { server: server.clone(), in_html: details::server(server) }
    }
}

impl Object for ServerInfo {
    fn type_name(&self) -> &str {
        "kapacitor.serverInfo"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "Hostname" => Some(Value::from(self.server.hostname.as_str())),
            "ClusterID" => Some(Value::from(self.server.cluster_id.as_str())),
            "ServerID" => Some(Value::from(self.server.server_id.as_str())),
            _ => None,
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &[Slot::Field("Hostname"), Slot::Field("ClusterID"), Slot::Field("ServerID")]
    }
}

struct IdInfo<'a> {
    subject: Subject<'a>,
    tags: Tags<'a>,
    server: &'a ServerInfo,
}

static ID_INFO: [Slot; 5] = [
    Slot::Field("Name"),
    Slot::Field("TaskName"),
    Slot::Field("Group"),
    Slot::Field("Tags"),
    Slot::Field("ServerInfo"),
];

impl Object for IdInfo<'_> {
    fn type_name(&self) -> &str {
        "kapacitor.idInfo"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        let subject = &self.subject;
        match name {
            "Name" => Some(Value::from(subject.name)),
            "TaskName" => Some(Value::from(subject.task)),
            "Group" => Some(Value::from(subject.shown_group())),
            "Tags" => Some(Value::Map(&self.tags)),
            "ServerInfo" => Some(Value::Object(self.server)),
            _ => None,
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &ID_INFO
    }
}

struct MessageInfo<'a> {
    id_info: IdInfo<'a>,
    id: &'a str,
    happening: Happening<'a>,
    fields: Fields<'a>,
}

static MESSAGE_INFO: [Slot; 6] = [
    Slot::Embedded("idInfo", &ID_INFO),
    Slot::Field("ID"),
    Slot::Field("Fields"),
    Slot::Field("Level"),
    Slot::Field("Time"),
    Slot::Field("Duration"),
];

impl Object for MessageInfo<'_> {
    fn type_name(&self) -> &str {
        "kapacitor.messageInfo"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "ID" => Some(Value::from(self.id)),
            "Fields" => Some(Value::Map(&self.fields)),
            "Level" => Some(Value::from(self.happening.level.name())),
            "Time" => Some(Value::time(self.happening.time)),
            "Duration" => Some(Value::Duration(self.happening.duration)),
            _ => self.id_info.field(name),
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &MESSAGE_INFO
    }
}

struct DetailsInfo<'a> {
    info: MessageInfo<'a>,
    message: &'a str,
}

static DETAILS_INFO: [Slot; 2] = [Slot::Embedded("messageInfo", &MESSAGE_INFO), Slot::Field("Message")];

impl Object for DetailsInfo<'_> {
    fn type_name(&self) -> &str {
        "kapacitor.detailsInfo"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "Message" => Some(Value::from(self.message)),
            _ => self.info.field(name),
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &DETAILS_INFO
    }

    fn json_in_html(&self, out: &mut String) -> Encoded {
        details::put(out, &self.info, self.message)
    }
}

/// Tags as they are, without copying them: templates name one or two of a handful.
struct Tags<'a>(&'a TagSet);

impl Map for Tags<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Value<'_>> {
        self.0.get(key).map(Value::from)
    }

    fn entry(&self, index: usize) -> Option<(&str, Value<'_>)> {
        self.0.iter().nth(index).map(|(key, value)| (key, Value::from(value)))
    }

    fn element(&self) -> Element {
        Element::Text
    }
}

struct Fields<'a>(&'a [(Name, model::Value)]);

impl Map for Fields<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Value<'_>> {
        let found = self.0.binary_search_by(|(name, _)| (**name).cmp(key)).ok()?;
        Some(field(&self.0[found].1))
    }

    fn entry(&self, index: usize) -> Option<(&str, Value<'_>)> {
        self.0.get(index).map(|(name, value)| (&**name, field(value)))
    }

    fn element(&self) -> Element {
        Element::Any
    }
}

fn field(value: &model::Value) -> Value<'_> {
    match value {
        model::Value::Null => Value::Nil,
        model::Value::Float(v) => Value::Float(*v),
        model::Value::Int(v) => Value::Int(*v),
        model::Value::Bool(v) => Value::Bool(*v),
        model::Value::Str(v) => Value::from(&**v),
        model::Value::Time(v) => Value::time(*v),
        model::Value::Duration(v) => Value::Duration(*v),
    }
}
