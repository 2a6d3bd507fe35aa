"""What tasks printed, as the journal keeps it."""

from nats.aio.client import Client

from distributedjob_api import task_reasons
from distributedjob_local.nats_server import NatsServer
from distributedjob_operator.bus.journal import Journal
from distributedjob_operator.ports import Unavailable
from tests.chaos.nats_client import SUBJECTS, with_client


def read_outputs(server: NatsServer, uid: str) -> dict[int, set[bytes]]:
    """Every output of each index of a job; none where the journal was lost."""

    async def read(client: Client) -> dict[int, set[bytes]]:
        outputs: dict[int, set[bytes]] = {}
        try:
            async for _, batch in Journal(client.jetstream(), SUBJECTS).read(uid):
                for record in batch.records:
                    if record.reason not in ("", task_reasons.ERROR):
                        continue  # Ended from outside: it may have printed nothing yet.
                    outputs.setdefault(record.index, set()).add(record.stdout.strip())
        except Unavailable:
            return outputs
        return outputs

    return with_client(server, read)
