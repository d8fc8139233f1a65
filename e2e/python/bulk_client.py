"""SMART's own bulk client (PyPI smart-fetch), untouched: an export of a site from its kick-off to the files on disk."""

import asyncio
import collections
import json
import os
import sys

import cumulus_fhir_support
from smart_fetch import bulk_utils, lifecycle

TYPES = {"Patient", "Observation"}


async def export(base, token, site, folder):
    async with cumulus_fhir_support.FhirClient(base, TYPES, bearer_token=token) as client:
        # Whose records are meant is a header here; the client has no option for one.
        client._session.headers["SU-SiteId"] = site
        metadata = lifecycle.OutputMetadata(folder)
        await bulk_utils.BulkExporter(client, TYPES, base, folder, metadata=metadata).export()


def lines(folder, name):
    with open(os.path.join(folder, name), encoding="utf8") as text:
        return [json.loads(line) for line in text]


asyncio.run(export(*sys.argv[1:]))
folder = sys.argv[-1]
names = [name for name in os.listdir(folder) if name.endswith(".ndjson") and name != "log.ndjson"]
records = collections.Counter(one["resourceType"] for name in names for one in lines(folder, name))
print(json.dumps({"records": records, "log": [one["eventId"] for one in lines(folder, "log.ndjson")]}))
