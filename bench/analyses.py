"""The peers of analyses.R that are at home in Python: analyses.py FILE.parquet"""

import importlib
import sys
import time


def memory(what):
    """Megabytes of this process, by the name of a line of its status."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024


def measured(task, who, call):
    try:
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
    except OSError:
        pass
    before = memory("VmRSS")
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    print(f"{task:<34} {who:<22} {best:9.4f} s {memory('VmHWM') - before:7.0f} MB", flush=True)


def polars_peer(polars, file):
    columns = ["ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month"]
    table = polars.read_parquet(file, columns=columns).cast(polars.Float64)
    column = polars.col(columns)
    statistics = [column.mean(), column.std(), column.min(), column.max(), column.count()]
    names = ["mean", "std", "min", "max", "count"]
    named = [s.name.suffix(f"_{name}") for s, name in zip(statistics, names)]
    measured("summary of 5 columns", "polars", lambda: table.select(named))


def duckdb_peer(duckdb, file):
    columns = ["ArrDelay", "DepDelay", "CRSDepTime", "Distance", "Month"]
    doubles = ", ".join(f'"{c}"::double as "{c}"' for c in columns)
    duckdb.sql(f"create table numbers as select {doubles} from '{file}'")
    statistics = ", ".join(f'{f}("{c}")' for c in columns for f in ("avg", "stddev", "min", "max", "count"))
    measured("summary of 5 columns", "duckdb", lambda: duckdb.sql(f"select {statistics} from numbers").fetchall())


def h2o_peer(h2o, file):
    from h2o.estimators import H2OGeneralizedLinearEstimator

    h2o.init(max_mem_size="8g")
    table = h2o.import_file(file)
    for text in ("DayOfWeek", "Carrier", "Origin", "Dest"):
        table[text] = table[text].asfactor()

    def fit(x):
        model = H2OGeneralizedLinearEstimator(family="gaussian", lambda_=0, compute_p_values=True)
        model.train(x=x, y="ArrDelay", training_frame=table)

    measured("4 terms, 10 columns", "h2o", lambda: fit(["DayOfWeek", "CRSDepTime", "Distance", "DepDelay"]))
    large = ["Origin", "Dest", "Carrier", "DayOfWeek", "CRSDepTime", "Distance"]
    measured("6 terms, 628 columns", "h2o", lambda: fit(large))
    h2o.cluster().shutdown()


for name, peer in (("polars", polars_peer), ("duckdb", duckdb_peer), ("h2o", h2o_peer)):
    try:
        module = importlib.import_module(name)
    except ImportError:
        print(f"{'all':<34} {name:<22}   missing", flush=True)
        continue
    peer(module, sys.argv[1])
