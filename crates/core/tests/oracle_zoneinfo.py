"""Says what two local times mean in a zone, by Python's own reading of the time zone data.

Reads lines `zone change start end` (the change of clocks in seconds since 1970, local times as
2026-03-29T02:30:00) and answers each with six numbers, or `unknown`:
offset before the change, offset after it, earliest and latest start, earliest and latest end.
"""

import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def offset(zone, seconds):
    at = (EPOCH + timedelta(seconds=seconds)).astimezone(zone)
    return int(at.utcoffset().total_seconds())


def meanings(zone, local):
    at = datetime.fromisoformat(local)
    both = [at.replace(tzinfo=zone, fold=fold) - EPOCH for fold in (0, 1)]
    return sorted(int(it.total_seconds()) for it in both)


def answer(name, change, start, end):
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "unknown"
    change = int(change)
    return " ".join(
        str(number)
        for number in (
            offset(zone, change - 1),
            offset(zone, change),
            *meanings(zone, start),
            *meanings(zone, end),
        )
    )


for line in sys.stdin:
    print(answer(*line.split()))
