"""Records of a site through fhirpy and PyPI's fhirclient, both untouched. Says one JSON object a line: what was done, and what came of it.

    fhir_clients.py fhirpy BASE TOKEN SITE
    fhir_clients.py fhirclient BASE TOKEN SITE
    fhir_clients.py launch BASE CLIENT_ID REDIRECT_URI SITE

`launch` prints where the person must be sent, and reads the address at which the person came back.
"""

import json
import sys

TAG = "urn:example:north"


def say(**what):
    print(json.dumps(what), flush=True)


def fhirpy(base, token, site):
    from fhirpy import SyncFHIRClient
    from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

    client = SyncFHIRClient(base, authorization=f"Bearer {token}", extra_headers={"SU-SiteId": site})

    def refused(kind, call):
        try:
            call()
        except kind as fault:
            return str(fault)
        raise AssertionError(f"not refused with {kind.__name__}")

    patient = client.resource("Patient", name=[{"family": "Kovalenko", "given": ["Ivan"]}], birthDate="1970-02-03")
    patient.save()
    say(done="create", id=patient.id, version=patient["meta"]["versionId"])
    patient["gender"] = "male"
    patient.save()
    say(done="update", version=patient["meta"]["versionId"])
    patient.refresh()
    read = client.reference("Patient", patient.id).to_resource()
    say(done="read", gender=read["gender"])

    observations = client.resources("Observation")
    for nth in range(25):
        client.resource(
            "Observation",
            status="final",
            code={"coding": [{"system": TAG, "code": "weight"}]},
            subject=patient.to_reference(),
            effectiveDateTime=f"2026-03-{nth + 1:02}T08:00:00Z",
            valueQuantity={"value": 70 + nth, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        ).save()
    theirs = observations.search(code=f"{TAG}|weight", patient=patient.id)
    paged = [one["valueQuantity"]["value"] for one in theirs.sort("date").limit(10).fetch_all()]
    bundle = observations.search(code=f"{TAG}|weight").include("Observation", "subject").limit(3).fetch_raw()
    say(
        done="search",
        paged=paged,
        first=theirs.sort("-date").first()["effectiveDateTime"],
        chained=len(observations.search(subject__Patient__name="kovalenko", value_quantity__ge="90").fetch_all()),
        has=[one.id for one in client.resources("Patient").has("Observation", "patient", code="weight").fetch()] == [patient.id],
        modes=sorted(entry["search"]["mode"] for entry in bundle["entry"]),
        total=bundle.get("total"),
    )
    created, is_new = client.resources("Patient").search(identifier=f"{TAG}|7").get_or_create(
        client.resource("Patient", identifier=[{"system": TAG, "value": "7"}])
    )
    again, is_new_again = client.resources("Patient").search(identifier=f"{TAG}|7").get_or_create(
        client.resource("Patient", identifier=[{"system": TAG, "value": "7"}])
    )
    say(done="conditional create", new=[is_new, is_new_again], same=created.id == again.id)
    answer = client.execute(
        "",
        data={
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": "urn:uuid:7a1f1a1e-0000-4000-8000-000000000001",
                    "resource": {"resourceType": "Patient", "name": [{"family": "Bundle"}]},
                    "request": {"method": "POST", "url": "Patient"},
                },
                {
                    "resource": {
                        "resourceType": "Observation",
                        "status": "final",
                        "code": {"text": "in a transaction"},
                        "subject": {"reference": "urn:uuid:7a1f1a1e-0000-4000-8000-000000000001"},
                    },
                    "request": {"method": "POST", "url": "Observation"},
                },
            ],
        },
    )
    say(
        done="transaction",
        type=answer["type"],
        statuses=[entry["response"]["status"][:3] for entry in answer["entry"]],
        linked=len(client.resources("Observation").search(subject__Patient__name="bundle").fetch()),
    )
    history = client.execute(f"Patient/{patient.id}/_history", method="get")
    patient.delete()
    say(
        done="history and delete",
        versions=[entry["resource"]["meta"]["versionId"] for entry in history["entry"]],
        gone=json.loads(refused(ResourceNotFound, lambda: client.get("Patient", patient.id)))["issue"][0]["code"],
        refused=json.loads(refused(OperationOutcome, lambda: client.resources("Patient").search(colour="red").fetch()))["issue"][0]["code"],
    )


def fhirclient(base, token, site):
    from fhirclient.client import FHIRClient
    from fhirclient.models import bundle, codeableconcept, fhirreference, humanname, observation, patient
    from fhirclient.server import FHIRNotFoundException

    client = FHIRClient(settings={"app_id": "backend", "api_base": base})
    client.server.session.headers.update({"Authorization": f"Bearer {token}", "SU-SiteId": site})
    statement = client.server.capabilityStatement
    say(done="capabilities", version=statement.fhirVersion, types=len(statement.rest[0].resource))

    def at(answer):
        return answer["id"], int(answer["meta"]["versionId"])

    one = patient.Patient()
    name = humanname.HumanName()
    name.family, name.given = "Petrova", ["Olena"]
    one.name = [name]
    made, version = at(one.create(client.server))
    read = patient.Patient.read(made, client.server)
    read.gender = "female"
    _, after = at(read.update(client.server))
    say(done="create, read, update", versions=[version, after], family=read.name[0].family)
    for nth in range(12):
        seen = observation.Observation()
        seen.status = "final"
        seen.code = codeableconcept.CodeableConcept({"coding": [{"system": TAG, "code": "height"}]})
        seen.subject = fhirreference.FHIRReference({"reference": f"Patient/{made}"})
        seen.valueString = f"{nth}"
        seen.create(client.server)
    search = observation.Observation.where({"code": f"{TAG}|height", "_count": "5"}).include("subject")
    pages = [[entry.search.mode for entry in page.entry or []] for page in search.perform_iter(client.server)]
    found = list(patient.Patient.where({"name": "petrova", "gender": "female"}).perform_resources_iter(client.server))
    say(
        done="search",
        matches=[modes.count("match") for modes in pages],
        includes=[modes.count("include") for modes in pages],
        found=[one.id for one in found] == [made],
    )
    sent = bundle.Bundle(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {"resource": {"resourceType": "Patient", "id": made, "active": True}, "request": {"method": "PUT", "url": f"Patient/{made}"}},
                {"resource": {"resourceType": "Patient", "active": False}, "request": {"method": "POST", "url": "Patient"}},
            ],
        }
    )
    answer = bundle.Bundle(client.server.post_json("", sent.as_json()).json())
    history = bundle.Bundle.read_from(f"Patient/{made}/_history", client.server)
    say(
        done="transaction and history",
        statuses=[entry.response.status[:3] for entry in answer.entry],
        versions=[entry.resource.meta.versionId for entry in history.entry],
    )
    patient.Patient({"resourceType": "Patient", "id": made}).delete(client.server)
    try:
        patient.Patient.read("is-not-there", client.server)
    except FHIRNotFoundException as fault:
        say(done="delete and not found", told=fault.response.json()["issue"][0]["details"]["coding"][0]["code"])


def launch(base, client_id, redirect_uri, site):
    from fhirclient.client import FHIRClient
    from fhirclient.models import observation

    settings = {"app_id": client_id, "api_base": base, "redirect_uri": redirect_uri, "scope": "openid fhirUser patient/*.rs"}
    client = FHIRClient(settings=settings)
    client.server.session.headers.update({"SU-SiteId": site})
    assert not client.prepare()
    say(url=client.authorize_url)
    client.handle_callback(sys.stdin.readline().strip())
    own = list(observation.Observation.where({"code": f"{TAG}|pulse"}).perform_resources_iter(client.server))
    say(patient=client.patient_id, name=client.human_name(client.patient.name[0]), own=[one.subject.reference for one in own])


{"fhirpy": fhirpy, "fhirclient": fhirclient, "launch": launch}[sys.argv[1]](*sys.argv[2:])
