"""Samples into figures: each is (median, least, most) over the rounds; ratios are taken round by round."""

import statistics


def spread(values):
    values = list(values)
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def cpu_us(sample):
    """Server CPU microseconds an operation, which are CPU seconds a million operations."""
    return sample.cpu_ns / 1000 / max(1, sample.operations)


def of_server(measured):
    """What the report says of one server in one case."""
    if measured.absent or not measured.samples:
        return {"name": measured.name, "absent": measured.absent or "no sample"}
    samples = measured.samples
    cpu = spread(cpu_us(sample) for sample in samples)
    user = sum(sample.user_ticks for sample in samples)
    system = sum(sample.system_ticks for sample in samples)
    user_part = user / (user + system) if user + system else 0.5
    return {
        "name": measured.name,
        "operations_per_second": spread(sample.operations / sample.seconds for sample in samples),
        "cpu_seconds_per_million": cpu,
        # Ticks are coarse, so the two are parts of all rounds together.
        "cpu_user": cpu["median"] * user_part,
        "cpu_system": cpu["median"] * (1 - user_part),
        "p50_us": spread(sample.p50_us for sample in samples),
        "p99_us": spread(sample.p99_us for sample in samples),
        "p999_us": spread(sample.p999_us for sample in samples),
        "lost": sum(sample.lost for sample in samples),
        "memory_bytes": measured.memory_bytes,
        "answer_bytes": measured.answer_bytes,
        "calls_per_operation": measured.calls,
    }


def ratio(ours, theirs):
    """Of the server CPU an operation, of rounds that belong together."""
    pairs = zip(ours.samples, theirs.samples)
    return spread(cpu_us(one) / cpu_us(other) for one, other in pairs if cpu_us(other) > 0)


def judge(case, measured):
    """(ratios of polyport to each other server, the case's targets with what was reached)."""
    present = {one.name: one for one in measured if not one.absent and one.samples}
    ours = present.get("polyport")
    if ours is None:
        return {}, []
    ratios = {name: ratio(ours, other) for name, other in present.items() if name != "polyport"}
    verdicts = []
    for target in case.targets:
        if target.server == "best":
            peers = [name for name in ratios if name != "floor"]
            server = max(peers, key=lambda name: ratios[name]["median"]) if peers else None
        else:
            server = target.server if target.server in ratios else None
        reached = ratios[server]["median"] if server else None
        verdicts.append({"server": target.server, "which": server, "limit": target.limit,
                         "reached": reached, "met": reached is not None and reached <= target.limit})
    return ratios, verdicts


def of_case(case, measured):
    ratios, targets = judge(case, measured)
    return {"name": case.name, "title": case.title, "unit": case.unit,
            "servers": [of_server(one) for one in measured], "ratios": ratios, "targets": targets}
