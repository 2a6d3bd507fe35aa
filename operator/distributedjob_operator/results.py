"""A job's output, put in index order from the journal's batches."""

from collections.abc import AsyncIterator

from distributedjob_api.messages import JournalBatch, TaskRecord


async def last_records(batches: AsyncIterator[JournalBatch], run: int) -> dict[int, TaskRecord]:
    """Per index of a run, the record that counts: its success, else its latest attempt."""
    records: dict[int, TaskRecord] = {}
    async for batch in batches:
        if batch.run != run:
            continue
        for record in batch.records:
            known = records.get(record.index)
            if known is None or (known.reason and record.attempt >= known.attempt):
                records[record.index] = record
    return records
