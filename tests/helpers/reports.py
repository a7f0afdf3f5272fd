"""A report of made-up figures on 100 images: how figures are found is tested elsewhere, here it is what follows."""

from dataclasses import replace
from pathlib import Path

from edgeproof.metrics import types as f
from edgeproof.metrics.paired import paired_difference, share
from edgeproof.report import model as r

_WORSE = f.LabelledComparison(
    difference=paired_difference(1, 2, 100),
    fixed=(4,),
    broken=(17, 23),
    p_value=1.0,
    p_adjusted=1.0,
    recall_differences=(0.0, -2.5, None),
    ece_drift=0.0111,
)
_TIE = f.LabelledComparison(
    difference=paired_difference(0, 0, 100),
    fixed=(),
    broken=(),
    p_value=1.0,
    p_adjusted=1.0,
    recall_differences=(0.0, 0.0, None),
    ece_drift=0.0,
)


_FASTEST = "static_wi8_ai8.onnx in ONNX Runtime 1.32.0"


def _row(variant: str, engine: str, file_bytes: int, us: tuple[float, float], same: bool) -> r.VariantRow:
    recipe, _, suffix = variant.partition(".")
    flips = () if same else (_flip(4, 1, 0, 1), _flip(17, 0, 0, 1), _flip(23, 1, 1, 0))
    kind = f.VerdictKind.TIE if same else f.VerdictKind.NO_DROP
    slower_than = (_FASTEST,) if same else ()
    return r.VariantRow(
        variant=variant,
        format=suffix,
        recipe=recipe,
        engine=engine,
        sha256="b" * 64,
        size=f.Size(file_bytes=file_bytes, weight_bytes=file_bytes - 5000, gzip_bytes=file_bytes - 2000),
        accuracy=_share(98 if same else 97),
        comparison=f.Comparison(
            agreement=_share(100 - len(flips)),
            flips=flips,
            max_probability_difference=0.0 if same else 0.25,
            mean_probability_difference=0.0 if same else 0.0125,
            outcome=_TIE if same else _WORSE,
        ),
        verdict=f.Verdict(kind=kind, words=f"{kind} with n = 100; at most 3.7 points could hide"),
        reliability=_reliability(98, 0.0123, 1.0, 0.0123) if same else _reliability(97, 0.0234, 0.875, 0.0056),
        timings=tuple(_timing(t, slower_than, threads) for t, threads in zip(us, (1, 2), strict=True)),
        memory=f.Memory(peak_mib=61.0 + same, increment_mib=31.0 + same),
    )


def _share(count: int) -> f.Share:
    return share(count, 100)


def _distribution(us: float, runs: int = 2000) -> f.Distribution:
    return f.Distribution(
        runs=runs,
        min_us=us * 0.9,
        p50_us=us,
        p50_low_us=us * 0.99,
        p50_high_us=us * 1.01,
        p90_us=us * 1.2,
        p99_us=us * 2,
        p999_us=us * 3 if runs >= 1000 else None,
        max_us=us * 10,
    )


def _reliability(right: int, raw: float, temperature: float, ece: float) -> f.Reliability:
    accuracy = (right - 90) / 10
    bins = (
        f.ReliabilityBin(images=10, probability=accuracy - 10 * (raw - 0.009), accuracy=accuracy),
        f.ReliabilityBin(images=90, probability=0.99, accuracy=1.0),
    )
    return f.Reliability(images=100, ece_raw=raw, temperature=temperature, ece=ece, bins=bins)


def _timing(us: float, slower_than: tuple[str, ...], threads: int) -> f.Timing:
    return f.Timing(
        threads=threads,
        run=_distribution(us),
        invoke=_distribution(us * 0.8),
        preprocessing=_distribution(3.0),
        load=_distribution(2500.0, runs=40),
        first=_distribution(us * 4, runs=40),
        ratio_to_keras=f.Ratio(value=us / 500, low=us / 510, high=us / 490, tie=False),
        slower_than=slower_than,
    )


def _flip(position: int, truth: int, reference: int, found: int) -> f.Flip:
    return f.Flip(
        position=position,
        truth=truth,
        reference=reference,
        reference_probability=0.6,
        found=found,
        found_probability=0.55,
    )


def made_up_report() -> r.Report:
    """Two variants and a peer; the int8 file is the fastest and gives three answers that the model does not give."""
    return r.Report(
        environment={
            "date": "2026-01-02T03:04:05+00:00",
            "cpu": "Test & Sons <CPU>",
            "machine": "x86_64",
            "cores": 4,
            "affinity": [0, 1],
            "memory_mib": 8000,
            "system": "Linux",
            "python": "3.11.7",
            "packages": {"edgeproof": "0.1.0", "tensorflow": "2.21.0", "numpy": "2.4.6"},
            "before": {"governor": None, "frequency_mhz": None, "temperature_c": 41.5, "throttled": None, "load": 0.5},
            "after": {"governor": None, "frequency_mhz": None, "temperature_c": 52.0, "throttled": None, "load": 1.5},
        },
        data=r.DataFacts(name="digits", images=100, labelled=True, sha256="d" * 64, classes=("a", "b", "c")),
        method={"seconds_per_variant": 2.0, "rounds": 20, "turns_per_round": 2, "memory_processes": 3},
        reference=r.ReferenceRow(
            sha256="a" * 64,
            file_bytes=123_456,
            parameters=20_730,
            engine="Keras 3.15.1, TensorFlow 2.21.0",
            accuracy=_share(98),
            wrong=(4, 50),
            class_images=(60, 40, 0),
            confusions=(f.Confusion(truth=1, answer=0, count=2),),
            reliability=_reliability(98, 0.0123, 1.0, 0.0123),
            timings=tuple(
                r.KerasTiming(call=call, threads=threads, run=_distribution(us))
                for threads in (1, 2)
                for call, us in (("tf.function", 500.0), ("model(x)", 5000.0), ("model.predict", 50_000.0))
            ),
            memory=f.Memory(peak_mib=700.0, increment_mib=670.0),
        ),
        rows=(
            _row("float32.tflite", "LiteRT 2.3.0", 80_000, (100.0, 60.0), same=True),
            _row("static_wi8_ai8.onnx", "ONNX Runtime 1.32.0", 30_000, (50.0, 55.0), same=False),
        ),
        peers=(replace(_row("float32.onnx", "OpenVINO 2026.4.1", 81_000, (70.0, 65.0), same=True), memory=None),),
        not_run={},
        noise_floors=(r.NoiseFloor(threads=1, ratio=1.02), r.NoiseFloor(threads=2, ratio=1.05)),
        sustained=None,
    )


def with_row(report: r.Report, position: int, **changes: object) -> r.Report:
    """The report with other figures in one of its rows."""
    rows = list(report.rows)
    rows[position] = replace(rows[position], **changes)
    return replace(report, rows=tuple(rows))


def with_many_classes(report: r.Report, count: int) -> r.Report:
    """The report with classes of which each lost one image more than the one before."""
    row = report.rows[1]
    assert row.comparison.outcome is not None
    differences = tuple(-100.0 * i / 1000 for i in range(count))
    outcome = replace(row.comparison.outcome, recall_differences=differences)
    names = tuple(f"class {i}" for i in range(count))
    confusions = tuple(f.Confusion(truth=i, answer=i + 1, count=count - i) for i in range(count - 1))
    reference = replace(report.reference, class_images=(1000,) * count, confusions=confusions)
    return replace(
        report,
        data=r.DataFacts(name="many", images=100, labelled=True, sha256="d" * 64, classes=names),
        reference=reference,
        rows=(replace(row, comparison=replace(row.comparison, outcome=outcome)),),
    )


def write_report(report: r.Report, path: Path) -> Path:
    """Write a report as `edgeproof benchmark` does, and return its path."""
    from edgeproof.report.serialization import to_json  # needs msgspec

    path.write_text(to_json(report), encoding="utf-8")
    return path
