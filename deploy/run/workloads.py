#!/usr/bin/env python3
"""The load script with more workloads than it has itself.

Usage: workloads.py LOADBENCH.py --url ... --pid ... --workload W [...]; see LOADBENCH.py for the rest.

  union        two measurements, merged, then an alert that does not fire
  deadman      a deadman for each host (give --hosts 10000)
  changedetect only points whose value has changed go on
  storm        every point raises an event, into a topic without handlers
  tasks1000    a thousand windows over one stream
"""
import pathlib, sys

script = pathlib.Path(sys.argv.pop(1)).read_text()
# Its last line runs it, before the workloads are there.
exec(compile(script.rsplit("\nmain()", 1)[0], "loadbench", "exec"))

SCRIPTS["union"] = ["""var a = stream|from().measurement('cpu').groupBy('host')
var b = stream|from().measurement('mem').groupBy('host')
a|union(b)
 |alert().id('{{ index .Tags "host" }}').crit(lambda: isPresent("usage") AND "usage" > 99.9).stateChangesOnly()
"""]
SCRIPTS["deadman"] = ["""stream
    |from().measurement('cpu').groupBy('host')
    |deadman(0.0, 10s).stateChangesOnly()
"""]
SCRIPTS["changedetect"] = ["""stream
    |from().measurement('cpu').groupBy('host')
    |changeDetect('usage')
    |alert().id('{{ index .Tags "host" }}').crit(lambda: "usage" > 99.9).stateChangesOnly()
"""]
SCRIPTS["storm"] = ["""stream
    |from().measurement('cpu').groupBy('host')
    |alert().id('{{ index .Tags "host" }}').crit(lambda: TRUE).topic('storm')
"""]
SCRIPTS["tasks1000"] = [
    SCRIPTS["window"][0].replace("period(10s).every(10s)", f"period({10 + i}s).every({10 + i}s)") for i in range(1000)
]
only_cpu_and_mem = bodies


def bodies(workload, *rest):
    # The points of `join` are those of two measurements.
    return only_cpu_and_mem("join" if workload == "union" else workload, *rest)


main()
