"""Turn an Indexed Job of ``batch/v1`` into a DistributedJob.

Usage::

    manifest, notes = from_job(yaml.safe_load(text))

``notes`` names what the new manifest does not carry, or carries with another meaning,
one sentence each, beginning with the path of the field in the Job.
"""

from distributedjob_api.convert.job import from_job
from distributedjob_api.convert.part import ConvertError

__all__ = ["ConvertError", "from_job"]
