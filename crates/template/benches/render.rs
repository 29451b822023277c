//! What one rendering costs: the common forms by the fast path and by the evaluator, and forms
//! that only the evaluator knows.

#[allow(dead_code)] // The tests use what the benchmark does not.
#[path = "../tests/fixture/mod.rs"]
mod fixture;

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use template::{Template, Value};

/// Name, source, and whether the fast path takes it.
const TEXTS: &[(&str, &str, bool)] = &[
    ("id", "{{ .Name }}:{{ .Group }}", true),
    ("message", "{{ .ID }} is {{ .Level }}", true),
    (
        "fields",
        "{{ .ID }} is {{ .Level }}: {{ index .Fields \"value\" }} on {{ index .Tags \"host\" }} at {{ .Time }}",
        true,
    ),
    ("format", "{{ .ID }} since {{ .Time.Format \"2006-01-02 15:04:05\" }}", false),
    ("printf", "{{ .ID }} is {{ printf \"%.2f\" .Fields.value }}", false),
    ("branch", "{{ if eq .Level \"OK\" }}fine{{ else }}{{ .Level }} for {{ .Duration }}{{ end }}", false),
    ("range", "{{ range $k, $v := .Tags }}{{ $k }}={{ $v }} {{ end }}", false),
];

fn render(criterion: &mut Criterion) {
    let data = fixture::Test::new();
    let mut out = String::with_capacity(4096);
    for (name, source, fast) in TEXTS {
        for (mode, template) in
            [("text", Template::text(source, "message")), ("html", Template::html(source, "details"))]
        {
            let template = template.expect("the template is valid");
            if *fast {
                criterion.bench_function(&format!("{mode}_{name}"), |bench| {
                    bench.iter(|| {
                        out.clear();
                        template.render(black_box(&data), &mut out).expect("it renders");
                        out.len()
                    });
                });
            }
            criterion.bench_function(&format!("{mode}_{name}_evaluated"), |bench| {
                bench.iter(|| {
                    out.clear();
                    template.render_value(Value::Object(black_box(&data)), &mut out).expect("it renders");
                    out.len()
                });
            });
        }
    }
}

criterion_group!(benches, render);
criterion_main!(benches);
