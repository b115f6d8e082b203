"""What pi-classifier costs, beside what: programs that measure on this machine, and never a figure typed by hand.

From the project's folder, `.venv/bin/python benchmarks/NAME.py --help`, or `python -m benchmarks.NAME`:

- `pipeline`: the tutorial's loop and this pipeline on the same frames, and the bare model beside them
- `scaling`: ways to scale a camera's frame, what each costs and what it does to the answers
- `compare_models`: the tutorial's table of eleven models, beside the tutorial's own figures
- `peers`: the same photographs through ONNX Runtime and LiteRT
- `startup`: from exec to the first prediction, beside the tutorial's way to it
- `steadiness`: rules for labels that hold still, on an unsteady film
- `training`: what it costs to learn own classes, and what the result is worth, beside the usual way
- `web`: the live page before so many viewers, and a Flask app beside it
- `detection`: objects with boxes in whole frames, and the usual loop beside it
- `cameras`: several network cameras at once, and a process for each model beside it
- `fleet`: a thousand daemons' messages and metrics before one broker and one Prometheus
- `soak`: the daemon for an hour, and what grows meanwhile
- `tables`: puts the results that are kept in `results/` into docs/benchmarks.md and docs/fleet.md

Each prints a table, or with --json what `tables` reads. A program's parts are in a package each: `loops` belongs to
`pipeline`, `models` to `compare_models`, `runtimes` to `peers`, `stability` to `steadiness`, `viewing` to `web`,
`objects` to `detection`, `streams` to `cameras`, `endurance` to `soak`, `learning` to `training`, `many` to `fleet`;
`shared` is everybody's. The modules run_... and prepare_... are what a program starts as a process, so that memory and
threads are that one's alone.

Nothing here is installed with pi_classifier.
"""
