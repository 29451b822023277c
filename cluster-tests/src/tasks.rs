//! The tasks that every scenario runs.

use crate::points::DATABASE;
use serde_json::{Value, json};

/// A task, by its id and its script.
pub struct Task {
    /// Id of the task; its events are posted to the receiver's path of the same name.
    pub id: &'static str,
    script: &'static str,
}

/// Seconds of data time after a window's time within which its points lie: a window of this length
/// is posted for each of [`WINDOWED`].
pub const PERIOD: i64 = 60;

/// Ids of the tasks that post windows, not changes of level.
pub const WINDOWED: [&str; 2] = ["windows", "total"];

/// Where the running totals are shown: task, endpoint.
pub const TOTALS: [(&str, &str); 2] = [("alerts", "counts"), ("total", "count")];

/// The task that does not group.
pub const WHOLE: &str = "total";

/// The three of them. `URL` stands for the receiver.
pub const TASKS: [Task; 3] = [
    Task {
        id: "alerts",
        script: r#"
var data = stream
    |from()
        .measurement('cpu')
        .groupBy('host')

data
    |alert()
        .id('{{ index .Tags "host" }}')
        .message('{{ .ID }} is {{ .Level }}')
        .details('{{ .Name }} {{ .Group }}')
        .warn(lambda: "value" > 70.0)
        .crit(lambda: "value" > 90.0)
        .stateChangesOnly()
        .post('URL/alerts')

data
    |eval(lambda: count())
        .as('n')
    |httpOut('counts')
"#,
    },
    Task {
        id: "windows",
        script: r#"
var window = stream
    |from()
        .measurement('cpu')
        .groupBy('host')
    |window()
        .period(60s)
        .every(30s)

var mean = window
    |mean('value')
        .as('value')

var count = window
    |count('seq')
        .as('value')

var sum = window
    |sum('seq')
        .as('value')

mean
    |join(count, sum)
        .as('mean', 'count', 'sum')
    |alert()
        .id('{{ index .Tags "host" }}')
        .message('{{ .ID }} at {{ .Time }}')
        .details('{{ .Name }} {{ .Group }}')
        .crit(lambda: TRUE)
        .post('URL/windows')
"#,
    },
    Task {
        id: "total",
        script: r#"
var data = stream
    |from()
        .measurement('cpu')

data
    |eval(lambda: count())
        .as('n')
    |httpOut('count')

data
    |window()
        .period(60s)
        .every(30s)
    |sum('seq')
        .as('sum')
    |alert()
        .id('total')
        .message('{{ .ID }} at {{ .Time }}')
        .details('{{ .Name }} {{ .Group }}')
        .crit(lambda: TRUE)
        .post('URL/total')
"#,
    },
];

/// A task that wants many points and makes nothing of them.
pub const BULK: Task = Task {
    id: "bulk",
    script: r#"
stream
    |from()
        .measurement('bulk')
    |eval(lambda: "w" + 'w')
        .as('w')
"#,
};

/// While a host is down, its services are held back.
pub const HOSTS_DOWN: Task = Task {
    id: "down",
    script: r#"
stream
    |from()
        .measurement('up')
        .groupBy('host')
    |alert()
        .id('{{ index .Tags "host" }}')
        .crit(lambda: "v" == 0)
        .stateChangesOnly()
        .inhibit('service', 'host')
        .post('URL/down')
"#,
};

/// What is held back; its events are put together as well, by a handler of the topic.
pub const SERVICES: Task = Task {
    id: "services",
    script: r#"
stream
    |from()
        .measurement('errors')
        .groupBy('host')
    |alert()
        .id('{{ index .Tags "host" }}')
        .category('service')
        .crit(lambda: "v" > 0)
        .topic('services')
        .post('URL/services')
"#,
};

/// Writes points back to the cluster, into another database.
pub const WRITES_BACK: Task = Task {
    id: "back",
    script: r#"
stream
    |from()
        .measurement('ring')
        .groupBy('host')
    |kapacitorLoopback()
        .database('looped')
        .retentionPolicy('autogen')
"#,
};

/// Counts what was written back.
pub const LOOPED: Task = Task {
    id: "looped",
    script: r#"
stream
    |from()
        .measurement('ring')
        .groupBy('host')
    |eval(lambda: count())
        .as('n')
    |httpOut('n')
"#,
};

/// A task that goes by the clock: who does not beat for some seconds is dead. A leader's death takes less.
pub const SILENCE: Task = Task {
    id: "silence",
    script: r#"
var pulse = stream
    |from()
        .measurement('pulse')
        .groupBy('host')

pulse
    |deadman(0.0, 5s)
        .id('{{ index .Tags "host" }}')
        .stateChangesOnly()
        .post('URL/silence')

pulse
    |httpOut('beats')
"#,
};

impl Task {
    /// The request that defines it, with its events posted to `receiver` (`http://host:port`).
    pub fn request(&self, receiver: &str) -> Value {
        json!({
            "id": self.id,
            "type": "stream",
            "dbrps": [{"db": DATABASE, "rp": "autogen"}],
            "script": self.script.replace("URL", receiver),
            "status": "enabled",
        })
    }
}
