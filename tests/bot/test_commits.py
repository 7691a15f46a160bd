"""Shared commits: gathered without a timer, split when one fails, told when all is over."""

import asyncio
from typing import Any

import pytest

from bot.commits import MOST_ITEMS, AnyBatch, Batch, Committer, DatabaseUnavailable


class Disk:
    """Commits what it is given, and remembers the sizes."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.away = False

    async def attempt(self, batches: list[AnyBatch]) -> list[list[Any]]:
        await asyncio.sleep(0.001)
        if self.away:
            raise DatabaseUnavailable("away")
        results = [[10 // item for item in batch.items] for batch in batches]
        self.commits.append(sum(len(batch.items) for batch in batches))
        return results


@pytest.fixture
def disk() -> Disk:
    return Disk()


def kind_of_work(committer: Committer, told: list[list[int]] | None = None) -> Batch[int, int]:
    batch: Batch[int, int] = Batch(lambda _, items: items, told.append if told is not None else None)
    committer.add(batch)
    return batch


async def test_what_arrives_while_a_commit_runs_shares_the_next(disk: Disk) -> None:
    committer = Committer(disk.attempt)
    batch = kind_of_work(committer)
    first = committer.submit(batch, 1)
    await asyncio.sleep(0)
    rest = [committer.submit(batch, item) for item in (2, 5, 10)]
    assert await asyncio.gather(first, *rest) == [10, 5, 2, 1]
    await committer.close()
    assert disk.commits == [1, 3]


async def test_no_commit_grows_without_bound(disk: Disk) -> None:
    committer = Committer(disk.attempt)
    batch = kind_of_work(committer)
    await asyncio.gather(*(committer.submit(batch, 1) for _ in range(MOST_ITEMS * 2 + 1)))
    await committer.close()
    assert disk.commits == [MOST_ITEMS, MOST_ITEMS, 1]


async def test_a_bad_item_fails_alone(disk: Disk) -> None:
    committer = Committer(disk.attempt)
    one, other = kind_of_work(committer), kind_of_work(committer)
    waiting = [committer.submit(one, 5), committer.submit(one, 0), committer.submit(other, 2)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await committer.close()
    assert [results[0], type(results[1]), results[2]] == [2, ZeroDivisionError, 5]


async def test_a_database_that_is_away_fails_all_at_once_and_the_next_commit_is_tried(disk: Disk) -> None:
    committer = Committer(disk.attempt)
    batch = kind_of_work(committer)
    disk.away = True
    results = await asyncio.gather(*(committer.submit(batch, 1) for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseUnavailable}
    disk.away = False
    assert await committer.submit(batch, 2) == 5
    await committer.close()


async def test_what_was_committed_is_told_even_when_the_caller_has_gone(disk: Disk) -> None:
    told: list[list[int]] = []
    committer = Committer(disk.attempt)
    batch = kind_of_work(committer, told)
    gone = committer.submit(batch, 5)
    gone.cancel()
    assert await committer.submit(batch, 2) == 5
    await committer.close()
    assert told == [[2, 5]]


async def test_a_close_commits_what_has_arrived_and_refuses_the_rest(disk: Disk) -> None:
    committer = Committer(disk.attempt)
    batch = kind_of_work(committer)
    waiting = [committer.submit(batch, 5) for _ in range(3)]
    await committer.close()
    assert await asyncio.gather(*waiting) == [2, 2, 2]
    with pytest.raises(DatabaseUnavailable):
        committer.submit(batch, 1)
