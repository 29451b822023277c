//! GET /metrics: the figures of a member in Prometheus' text format.

mod cluster;
mod text;

use self::text::{Kind, Text};
use crate::call::Call;
use crate::reply::{Content, Reply};
use engine::process::Process;
use engine::{Engine, TaskView};
use http::StatusCode;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// GET /metrics
pub async fn show(call: Call) -> Reply {
    let engine = &call.server.engine;
    let mut text = Text::default();
    text.family("farad_build_info", Kind::Gauge, "The version that runs.");
    text.sample(&[("version", &call.server.settings.version)], 1.0);
    process(&mut text);
    whole(&mut text, engine);
    log(&mut text, engine);
    ingress(&mut text, engine);
    tasks(&mut text, &engine.local_task_views());
    deliveries(&mut text, engine);
    cluster::write(&mut text, &engine.local_status());
    Reply::new(StatusCode::OK, Content::Metrics, text.finish())
}

fn process(text: &mut Text) {
    let process = Process::read();
    let figures = [
        ("process_cpu_seconds_total", Kind::Counter, "Time on a processor.", process.cpu_seconds),
        ("process_resident_memory_bytes", Kind::Gauge, "Memory in use.", process.resident_bytes.map(float)),
        (
            "process_virtual_memory_bytes",
            Kind::Gauge,
            "Memory that is mapped.",
            process.virtual_bytes.map(float),
        ),
        ("process_threads", Kind::Gauge, "Threads.", process.threads.map(float)),
        ("process_open_fds", Kind::Gauge, "Files and sockets that are open.", process.open_files.map(float)),
    ];
    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            text.single(name, kind, help, value);
        }
    }
}

fn whole(text: &mut Text, engine: &Engine) {
    let stats = engine.stats();
    let (tasks, enabled) = engine.task_counts();
    let series: u64 = stats.series.iter().map(|series| u64::from(*series)).sum();
    text.single("farad_uptime_seconds", Kind::Gauge, "Since the engine was opened.", seconds(stats.uptime));
    text.single("farad_tasks", Kind::Gauge, "Tasks that are defined.", float(tasks as u64));
    text.single("farad_tasks_enabled", Kind::Gauge, "Tasks that are enabled.", float(enabled as u64));
    text.single(
        "farad_queue_bytes",
        Kind::Gauge,
        "What waits for the tasks.",
        float(stats.queue_bytes as u64),
    );
    let help = "How much may wait before writers are slowed.";
    text.single("farad_queue_bytes_max", Kind::Gauge, help, float(stats.queue_bytes_max as u64));
    let help = "Writes refused because the tasks did not keep up.";
    text.single("farad_writes_refused_total", Kind::Counter, help, float(stats.writes_refused));
    let help = "Failed attempts to write the control state.";
    text.single("farad_control_failures_total", Kind::Counter, help, float(stats.control_failures));
    text.single("farad_series", Kind::Gauge, "Series that tasks read.", float(series));
    text.single("farad_groups", Kind::Gauge, "Groups that tasks know.", float(stats.groups));
    let help = "Groups forgotten because they were idle.";
    text.single("farad_groups_expired_total", Kind::Counter, help, float(stats.groups_expired));
    text.family("farad_shard_next_index", Kind::Counter, "Next index of the shard's log.");
    for (shard, index) in stats.next_index.iter().enumerate() {
        text.sample(&[("shard", &shard.to_string())], float(*index));
    }
}

fn log(text: &mut Text, engine: &Engine) {
    let log = engine.stats().log;
    let figures = [
        ("farad_log_appends_total", Kind::Counter, "Appends to the log.", float(log.appends)),
        ("farad_log_records_total", Kind::Counter, "Records appended.", float(log.records)),
        ("farad_log_bytes_total", Kind::Counter, "Bytes appended.", float(log.bytes)),
        ("farad_log_writes_total", Kind::Counter, "Writes to the log's files.", float(log.writes)),
        (
            "farad_log_disk_full_total",
            Kind::Counter,
            "Appends refused for want of space.",
            float(log.disk_full),
        ),
        ("farad_log_segments", Kind::Gauge, "Segments on disk.", float(log.segments)),
        ("farad_log_segment_bytes", Kind::Gauge, "Bytes of the segments.", float(log.segment_bytes)),
        ("farad_log_syncs_total", Kind::Counter, "Flushes to the platter.", float(log.syncs)),
        ("farad_log_sync_seconds_total", Kind::Counter, "Time of all flushes.", seconds(log.sync_time)),
        ("farad_log_sync_seconds_max", Kind::Gauge, "Time of the longest flush.", seconds(log.sync_time_max)),
        ("farad_log_pending_bytes", Kind::Gauge, "Bytes that are not flushed yet.", float(log.pending_bytes)),
    ];
    for (name, kind, help, value) in figures {
        text.single(name, kind, help, value);
    }
}

fn ingress(text: &mut Text, engine: &Engine) {
    text.family("farad_ingress_points_total", Kind::Counter, "Points taken.");
    for taken in engine.local_ingress() {
        let labels = [
            ("database", &*taken.db),
            ("retention_policy", &*taken.rp),
            ("measurement", &*taken.measurement),
        ];
        text.sample(&labels, float(taken.points));
    }
}

fn tasks(text: &mut Text, views: &[TaskView]) {
    text.family("farad_task_executing", Kind::Gauge, "Whether a task runs.");
    for view in views {
        text.sample(&[("task", &view.task.id)], f64::from(u8::from(view.executing())));
    }
    // Samples of one family stand together, so the tasks are walked once a figure.
    type Figure = fn(&pipeline::stats::NodeStats) -> f64;
    let figures: [(&str, Kind, &str, Figure); 5] = [
        ("farad_node_collected_total", Kind::Counter, "Messages that came in.", |stats| {
            float(stats.collected.load(Relaxed))
        }),
        ("farad_node_emitted_total", Kind::Counter, "Messages that went out.", |stats| {
            float(stats.emitted.load(Relaxed))
        }),
        ("farad_node_errors_total", Kind::Counter, "Points that could not be used.", |stats| {
            float(stats.errors.load(Relaxed))
        }),
        ("farad_node_groups", Kind::Gauge, "Groups.", |stats| float(stats.working_cardinality())),
        ("farad_node_exec_seconds", Kind::Gauge, "Mean time a message.", |stats| {
            float(stats.avg_exec_ns()) / 1e9
        }),
    ];
    for (name, kind, help, figure) in figures {
        text.family(name, kind, help);
        for task in views.iter().filter_map(|view| view.running.as_ref()) {
            for (number, node) in task.names.iter().enumerate() {
                text.sample(&[("task", &task.id), ("node", node)], figure(task.stats(number)));
            }
        }
    }
    let help = "Points that could not be used, by reason.";
    text.family("farad_node_error_reasons_total", Kind::Counter, help);
    for view in views {
        for (node, reasons) in view.reasons() {
            for reason in reasons {
                let labels = [("task", &*view.task.id), ("node", &node), ("reason", &reason.what)];
                text.sample(&labels, float(reason.points));
            }
        }
    }
    text.family("farad_node_counter_total", Kind::Counter, "What only one kind of node counts.");
    for task in views.iter().filter_map(|view| view.running.as_ref()) {
        for (number, node) in task.graph.nodes.iter().enumerate() {
            for (counter, value) in node.kind.counters.iter().zip(&task.stats(number).counters) {
                let labels = [("task", &*task.id), ("node", &*task.names[number]), ("counter", counter)];
                text.sample(&labels, float(value.load(Relaxed)));
            }
        }
    }
}

fn deliveries(text: &mut Text, engine: &Engine) {
    let lanes = engine.stats().lanes;
    type Figure = fn(&handler::LaneStats) -> f64;
    let figures: [(&str, Kind, &str, Figure); 8] = [
        ("farad_deliveries_delivered_total", Kind::Counter, "Deliveries that arrived.", |lane| {
            float(lane.delivered)
        }),
        ("farad_deliveries_failed_total", Kind::Counter, "Attempts that failed.", |lane| float(lane.failed)),
        ("farad_deliveries_retried_total", Kind::Counter, "Attempts after the first.", |lane| {
            float(lane.retried)
        }),
        ("farad_deliveries_dropped_total", Kind::Counter, "Deliveries given up.", |lane| float(lane.dropped)),
        ("farad_deliveries_queued", Kind::Gauge, "Deliveries that wait.", |lane| float(lane.queued as u64)),
        ("farad_deliveries_queued_bytes", Kind::Gauge, "Bytes of their events.", |lane| {
            float(lane.queued_bytes)
        }),
        ("farad_deliveries_in_flight", Kind::Gauge, "Attempts under way.", |lane| {
            float(lane.in_flight as u64)
        }),
        ("farad_deliveries_oldest_seconds", Kind::Gauge, "Age of the oldest delivery that waits.", |lane| {
            lane.oldest.map_or(0.0, seconds)
        }),
    ];
    for (name, kind, help, figure) in figures {
        text.family(name, kind, help);
        for lane in &lanes {
            text.sample(
                &[("topic", &lane.topic), ("handler", &lane.handler), ("kind", &lane.kind)],
                figure(lane),
            );
        }
    }
}

fn float(value: u64) -> f64 {
    value as f64
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
