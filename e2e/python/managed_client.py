"""The generated Python client: calls as staff make them. Arguments: url, API key, site, address of a FHIR server, its token."""
import sys
import time

from hilum_client import AuthenticatedClient
from hilum_client.api.integrations import (
    activate_managed_integration,
    create_managed_integration,
    get_managed_integration,
    get_sync_job,
    list_managed_integrations,
    patch_managed_integration,
    sync_integration,
    test_integration,
)
from hilum_client.api.webhooks import (
    create_webhook_endpoint,
    create_webhook_receiver_link,
    delete_webhook_endpoint,
    list_webhook_endpoints,
)
from hilum_client.models import (
    IntegrationError,
    IntegrationTest,
    ManagedIntegration,
    ManagedIntegrationPatch,
    ManagedIntegrations,
    ManagedIntegrationWrite,
    SyncAsked,
    SyncBegun,
    SyncJob,
    WebhookEndpoint,
    WebhookEndpointIn,
    WebhookEndpoints,
    WebhookReceiverLink,
    WebhookReceiverLinkIn,
)

url, key, site, source, token = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="X-API-Key")

config = {"base_url": source, "auth_type": "bearer", "site_id": site, "resource_types": ["Patient"]}
whole = {"name": "From Python", "type": "fhir", "provider": "custom", "credentials": {"token": token}, "config": config}
made = create_managed_integration.sync(client=client, body=ManagedIntegrationWrite.from_dict(whole))
assert isinstance(made, ManagedIntegration), made
listed = list_managed_integrations.sync(client=client, size=100)
assert isinstance(listed, ManagedIntegrations) and any(one.id == made.id for one in listed.items), listed
got = get_managed_integration.sync_detailed(made.id, client=client)
assert isinstance(got.parsed, ManagedIntegration), got
patch = ManagedIntegrationPatch.from_dict({"sync_frequency": "every 4 hours"})
patched = patch_managed_integration.sync(made.id, client=client, body=patch, if_match=got.headers["etag"])
assert isinstance(patched, ManagedIntegration) and patched.sync_frequency == "every 4 hours", patched
tested = test_integration.sync(made.id, client=client)
assert isinstance(tested, IntegrationTest) and tested.status.value != "error", tested
assert isinstance(activate_managed_integration.sync(made.id, client=client), ManagedIntegration)
begun = sync_integration.sync(made.id, client=client, body=SyncAsked.from_dict({"sync_type": "full"}))
assert isinstance(begun, SyncBegun), begun
deadline = time.monotonic() + 60
while True:
    job = get_sync_job.sync(begun.job_id, client=client)
    assert isinstance(job, SyncJob), job
    if job.finished_at or time.monotonic() > deadline:
        break
assert job.status == "done", job

asked = WebhookEndpointIn.from_dict({"name": "From Python", "url": "https://hooks.example.org/in"})
endpoint = create_webhook_endpoint.sync(client=client, body=asked)
assert isinstance(endpoint, WebhookEndpoint), endpoint
endpoints = list_webhook_endpoints.sync(client=client)
assert isinstance(endpoints, WebhookEndpoints) and any(one.id == endpoint.id for one in endpoints.items), endpoints
name = WebhookReceiverLinkIn.from_dict({"name": "Partner"})
link = create_webhook_receiver_link.sync(str(endpoint.id), client=client, body=name)
assert isinstance(link, WebhookReceiverLink) and str(link.path).startswith("/receivers/open/"), link
assert delete_webhook_endpoint.sync_detailed(str(endpoint.id), client=client).status_code == 204
refused = get_managed_integration.sync("int_0", client=client)
assert isinstance(refused, IntegrationError) and refused.error.code == "INT001", refused
print(f"{job.report.received} received")
