"""Turns the results of many runs into medians, checks and one table."""

import math
import statistics


def medians(results, clock):
    """Of one emulator's runs: name -> median seconds, "boot" among them, and "memory", which is in MiB; what no run has
    is left out."""
    times = {}
    for result in results:
        if result.memory is not None:
            times.setdefault("memory", []).append(result.memory)
        timings = dict(result.benchmarks)
        if result.boot:
            timings["boot"] = result.boot
        for name, timing in timings.items():
            seconds = getattr(timing, clock)
            if seconds is not None:
                times.setdefault(name, []).append(seconds)
    return {name: statistics.median(values) for name, values in times.items()}


def checksum_errors(results):
    """`results` is {(arch, emulator): [Result...]}. Every benchmark is deterministic and gives the same on every
    architecture: one sentence for each that does not, with who says what."""
    seen = {}
    for (arch, emulator), runs in results.items():
        for run in runs:
            for name, timing in run.benchmarks.items():
                seen.setdefault(name, {}).setdefault(timing.checksum, set()).add(f"{arch}/{emulator}")
    return [f"{name}: the checksums disagree: " +
            "; ".join(f"{checksum} from {', '.join(sorted(who))}" for checksum, who in sorted(checksums.items()))
            for name, checksums in seen.items() if len(checksums) > 1]


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values)) if values else None


def cell(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def ratio(times, baseline, name):
    """How many times as long as the baseline; None if one of the two has no time (or took none)."""
    mine, other = times.get(name), baseline.get(name)
    return mine / other if mine and other else None


def table(title, groups, times, baseline):
    """The table as text. `groups` is {group: [name...]} in order, `times` {emulator: {name: seconds}}; every emulator
    but the one called `baseline` gets a column of ratios to it."""
    others = [emulator for emulator in times if emulator != baseline] if baseline in times else []
    heads = [*times, *(f"{emulator}/{baseline}" for emulator in others)]
    rows = [["", *heads]]

    def row(label, name):
        return [label, *(cell(times[emulator].get(name), 3) for emulator in times),
                *(cell(ratio(times[emulator], times[baseline], name), 2) for emulator in others)]

    def mean_row(label, names):
        means = [geometric_mean([times[emulator][name] for name in names if times[emulator].get(name)])
                 for emulator in times]
        ratios = [ratio(times[emulator], times[baseline], name) for emulator in others for name in names]
        per_emulator = [ratios[i * len(names):(i + 1) * len(names)] for i in range(len(others))]
        return [label, *(cell(mean, 3) for mean in means),
                *(cell(geometric_mean([value for value in column if value]), 2) for column in per_emulator)]

    rows.append(row("boot to user space", "boot"))
    rows.append(row("memory taken by then, MiB", "memory"))
    for group, names in groups.items():
        rows += [row(f"{group}/{name}", name) for name in names]
        rows.append(mean_row(f"  {group}, geometric mean", names))
    rows.append(mean_row("all, geometric mean", [name for names in groups.values() for name in names]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [row[0].ljust(widths[0]) + "".join("  " + text.rjust(width) for text, width in zip(row[1:], widths[1:]))
             for row in rows]
    return "\n".join([title, *lines])
