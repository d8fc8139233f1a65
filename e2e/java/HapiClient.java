import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.api.SearchStyleEnum;
import ca.uhn.fhir.rest.api.SortOrderEnum;
import ca.uhn.fhir.rest.api.SortSpec;
import ca.uhn.fhir.rest.api.SummaryEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.interceptor.AdditionalRequestHeadersInterceptor;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.PreconditionFailedException;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.CapabilityStatement;
import org.hl7.fhir.r4.model.CodeType;
import org.hl7.fhir.r4.model.DateTimeType;
import org.hl7.fhir.r4.model.Enumerations.AdministrativeGender;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.Observation;
import org.hl7.fhir.r4.model.OperationOutcome;
import org.hl7.fhir.r4.model.Parameters;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Quantity;
import org.hl7.fhir.r4.model.Reference;
import org.hl7.fhir.r4.model.StringType;

/** Records of a site through HAPI's client: {@code HapiClient BASE TOKEN SITE json|xml}. One line for each thing that went as it should. */
public final class HapiClient {
    private static final String SYSTEM = "urn:example:hapi";
    private final IGenericClient client;
    private final String mark;

    private HapiClient(String base, String token, String site, EncodingEnum encoding) {
        client = FhirContext.forR4().newRestfulGenericClient(base);
        client.setEncoding(encoding);
        client.registerInterceptor(new BearerTokenAuthInterceptor(token));
        var headers = new AdditionalRequestHeadersInterceptor();
        headers.addHeaderValue("SU-SiteId", site);
        client.registerInterceptor(headers);
        mark = encoding.name().toLowerCase();
    }

    public static void main(String[] args) {
        var hapi = new HapiClient(args[0], args[1], args[2], EncodingEnum.valueOf(args[3].toUpperCase()));
        hapi.capabilities();
        var patient = hapi.createReadUpdate();
        hapi.patch(patient);
        hapi.conditionalCreate();
        hapi.transaction();
        hapi.search(patient);
        hapi.historyAndDelete(patient);
    }

    private static void done(String what) {
        System.out.println("{\"done\":\"" + what + "\"}");
    }

    private static void same(Object expected, Object found) {
        if (!expected.equals(found)) throw new AssertionError("expected " + expected + ", found " + found);
    }

    private static <F extends BaseServerResponseException> F refused(Class<F> kind, Runnable call) {
        try {
            call.run();
        } catch (BaseServerResponseException fault) {
            return kind.cast(fault);
        }
        throw new AssertionError("not refused with " + kind.getSimpleName());
    }

    private void capabilities() {
        var statement = client.capabilities().ofType(CapabilityStatement.class).execute();
        same("4.0.1", statement.getFhirVersion().toCode());
        done("capabilities");
    }

    private IdType createReadUpdate() {
        var patient = new Patient();
        patient.addName().setFamily("Ångström" + mark).addGiven("Hilja");
        patient.addIdentifier().setSystem(SYSTEM).setValue("one-" + mark);
        MethodOutcome made = client.create().resource(patient).execute();
        same(true, made.getCreated());
        var id = made.getId();
        var read = client.read().resource(Patient.class).withId(id.getIdPart()).execute();
        same("Ångström" + mark, read.getNameFirstRep().getFamily());
        same("1", read.getMeta().getVersionId());
        read.setGender(AdministrativeGender.FEMALE);
        var updated = (Patient) client.update().resource(read).execute().getResource();
        same("2", updated.getMeta().getVersionId());
        var stale = client.vread(Patient.class, id.getIdPart(), "1");
        same(false, stale.hasGender());
        var conflict = refused(PreconditionFailedException.class, () -> client.update().resource(stale).execute());
        var told = ((OperationOutcome) conflict.getOperationOutcome()).getIssueFirstRep();
        same("MSG_VERSION_AWARE_CONFLICT", told.getDetails().getCodingFirstRep().getCode());
        done("create, read, update, vread");
        return (IdType) id.toUnqualifiedVersionless();
    }

    private void patch(IdType id) {
        var patch = new Parameters();
        var operation = patch.addParameter().setName("operation");
        operation.addPart().setName("type").setValue(new CodeType("replace"));
        operation.addPart().setName("path").setValue(new StringType("Patient.gender"));
        operation.addPart().setName("value").setValue(new CodeType("other"));
        var patched = (Patient) client.patch().withFhirPatch(patch).withId(id).execute().getResource();
        same(AdministrativeGender.OTHER, patched.getGender());
        var text = "[{\"op\":\"add\",\"path\":\"/active\",\"value\":true}]";
        patched = (Patient) client.patch().withBody(text).withId(id).execute().getResource();
        same(true, patched.getActive());
        done("patch");
    }

    private void conditionalCreate() {
        var patient = new Patient();
        patient.addIdentifier().setSystem(SYSTEM).setValue("once-" + mark);
        var where = Patient.IDENTIFIER.exactly().systemAndIdentifier(SYSTEM, "once-" + mark);
        var first = client.create().resource(patient).conditional().where(where).execute();
        var second = client.create().resource(patient).conditional().where(where).execute();
        same(true, first.getCreated());
        same(first.getId().getIdPart(), second.getId().getIdPart());
        done("conditional create");
    }

    private void transaction() {
        var patient = new Patient();
        patient.addName().setFamily("Together" + mark);
        var bundle = new Bundle().setType(Bundle.BundleType.TRANSACTION);
        var url = "urn:uuid:0f0f0f0f-0000-4000-8000-000000000001";
        bundle.addEntry().setFullUrl(url).setResource(patient).getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Patient");
        for (var value = 0; value < 12; value += 1) {
            var entry = bundle.addEntry().setResource(observation(url, value));
            entry.getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Observation");
        }
        var answer = client.transaction().withBundle(bundle).execute();
        same(Bundle.BundleType.TRANSACTIONRESPONSE, answer.getType());
        same(13, answer.getEntry().size());
        answer.getEntry().forEach(entry -> same("201", entry.getResponse().getStatus().substring(0, 3)));
        done("transaction");
    }

    private Observation observation(String subject, int value) {
        var observation = new Observation().setStatus(Observation.ObservationStatus.FINAL);
        observation.getCode().addCoding().setSystem(SYSTEM).setCode("level-" + mark);
        observation.setSubject(new Reference(subject)).setEffective(new DateTimeType("2026-04-" + String.format("%02d", value + 1)));
        observation.setValue(new Quantity().setValue(value).setUnit("mmol/l").setSystem("http://unitsofmeasure.org").setCode("mmol/L"));
        return observation;
    }

    private void search(IdType patient) {
        var level = Observation.CODE.exactly().systemAndCode(SYSTEM, "level-" + mark);
        var chained = Observation.SUBJECT.hasChainedProperty(Patient.FAMILY.matches().value("Together" + mark));
        Bundle page = client.search().forResource(Observation.class).where(level).and(chained).include(Observation.INCLUDE_SUBJECT)
            .sort(new SortSpec("date", SortOrderEnum.ASC)).count(5).returnBundle(Bundle.class).execute();
        List<String> days = new ArrayList<>();
        var included = 0;
        for (var pages = 0; ; pages += 1) {
            for (var entry : page.getEntry()) {
                if (entry.getResource() instanceof Observation found) days.add(found.getEffectiveDateTimeType().getValueAsString());
                else included += 1;
            }
            if (page.getLink("next") == null) {
                same(2, pages);
                break;
            }
            page = client.loadPage().next(page).execute();
        }
        same(12, days.size());
        same(days.stream().sorted().toList(), days);
        same(3, included);
        var posted = client.search().forResource(Patient.class).where(Patient.NAME.matches().value("together" + mark))
            .revInclude(Observation.INCLUDE_SUBJECT).usingStyle(SearchStyleEnum.POST).returnBundle(Bundle.class).execute();
        same(13, posted.getEntry().size());
        var counted = client.search().forResource(Observation.class).where(level).summaryMode(SummaryEnum.COUNT).returnBundle(Bundle.class).execute();
        same(12, counted.getTotal());
        same(0, counted.getEntry().size());
        var short_ = client.search().forResource(Patient.class).where(Patient.RES_ID.exactly().code(patient.getIdPart()))
            .summaryMode(SummaryEnum.DATA).returnBundle(Bundle.class).execute();
        same(1, short_.getEntry().size());
        done("search");
    }

    private void historyAndDelete(IdType id) {
        var history = client.history().onInstance(id).returnBundle(Bundle.class).execute();
        same(4, history.getEntry().size());
        var told = (OperationOutcome) client.delete().resourceById(id).execute().getOperationOutcome();
        same(OperationOutcome.IssueSeverity.INFORMATION, told.getIssueFirstRep().getSeverity());
        refused(ResourceGoneException.class, () -> client.read().resource(Patient.class).withId(id).execute());
        refused(ResourceNotFoundException.class, () -> client.read().resource(Patient.class).withId("is-not-there").execute());
        same(5, client.history().onInstance(id).returnBundle(Bundle.class).execute().getEntry().size());
        done("history and delete");
    }
}
