"""Kill -9 in its fast form: `benchmarks/kills.py` has the long one (R2, R7)."""

from pathlib import Path

import pytest

from benchmarks.kills import MOST_UNCLEAR_A_KILL, run_kills

KILLS = 3


@pytest.mark.timeout(90)
async def test_nothing_acknowledged_is_lost_or_doubled_or_out_of_order_when_killed(
    tmp_path: Path, database_url: str
) -> None:
    books = await run_kills(tmp_path, database_url, KILLS, between_s=0.8, settled_s=25, wait_for_leases=False)
    assert books.accepted > 300
    assert (books.lost, books.stored_twice, books.inversions) == (0, 0, 0)
    assert books.answered_twice <= MOST_UNCLEAR_A_KILL * KILLS
    assert books.hold
