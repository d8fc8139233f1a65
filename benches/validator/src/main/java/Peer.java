import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.hl7.fhir.exceptions.FHIRException;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.model.Extension;
import org.hl7.fhir.r5.model.OperationOutcome;
import org.hl7.fhir.r5.model.OperationOutcome.OperationOutcomeIssueComponent;
import org.hl7.fhir.r5.utils.validation.constants.BestPracticeWarningLevel;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;
import org.hl7.fhir.utilities.http.ManagedWebAccess;
import org.hl7.fhir.validation.ValidationEngine;
import org.hl7.fhir.validation.cli.model.HtmlInMarkdownCheck;
import org.hl7.fhir.validation.cli.services.IPackageInstaller;
import org.hl7.fhir.validation.cli.services.StandAloneValidatorFetcher;
import org.hl7.fhir.validation.cli.utils.QuestionnaireMode;
import org.hl7.fhir.validation.cli.utils.ValidationLevel;
import org.hl7.fhir.validation.instance.advisor.BasePolicyAdvisorForFullValidation;

/**
 * HL7's validator for R4, without terminology server, kept warm: `Peer CORE IG…`, each `name#version` of the package cache.
 *
 * <p>It answers a line on its standard input with lines and an empty line on its standard output; fields are parted by tabs.
 * <ul>
 *   <li>`check FILE`: severity, message id, line, column, expression and text of each issue;
 *   <li>`time MILLISECONDS FILE`: issues, validations, their nanoseconds on the processor and on the clock;
 *   <li>`memory`: bytes of the heap that are in use after a collection.
 * </ul>
 */
public final class Peer {
  private static final String EXTENSION = "http://hl7.org/fhir/StructureDefinition/operationoutcome-";

  private final ValidationEngine engine;

  private Peer(List<String> packages) throws Exception {
    engine = new ValidationEngine.ValidationEngineBuilder()
        .withVersion("4.0.1").withNoTerminologyServer().withTHO(false).fromSource(packages.get(0));
    for (String one : packages.subList(1, packages.size())) {
      engine.getIgLoader().loadIg(engine.getIgs(), engine.getBinaries(), one, false);
    }
    asFromTheCommandLine();
    engine.prepare();
  }

  /** What its command line sets before it validates; nothing is fetched. */
  private void asFromTheCommandLine() throws IOException {
    ManagedWebAccess.setAccessPolicy(ManagedWebAccess.WebAccessPolicy.PROHIBITED);
    StandAloneValidatorFetcher fetcher = new StandAloneValidatorFetcher(engine.getPcm(), engine.getContext(), new Nowhere());
    fetcher.setReferencePolicy(ReferenceValidationPolicy.IGNORE);
    fetcher.setPolicyAdvisor(new BasePolicyAdvisorForFullValidation(fetcher.getReferencePolicy()));
    engine.setFetcher(fetcher);
    engine.setPolicyAdvisor(fetcher);
    engine.getContext().setLocator(fetcher);
    engine.setLocale(Locale.ENGLISH);
    engine.setQuestionnaireMode(QuestionnaireMode.CHECK);
    engine.setLevel(ValidationLevel.HINTS);
    engine.setBestPracticeLevel(BestPracticeWarningLevel.Warning);
    engine.setHtmlInMarkdownCheck(HtmlInMarkdownCheck.WARNING);
  }

  /** Where packages would come from that are not loaded. */
  private static final class Nowhere implements IPackageInstaller {
    @Override
    public boolean packageExists(String id, String version) {
      return false;
    }

    @Override
    public void loadPackage(String id, String version) {
      throw new FHIRException(id + "#" + version + " is not loaded");
    }
  }

  public static void main(String[] arguments) throws Exception {
    // The validator tells its progress on System.out, which would cost it time: nobody reads it.
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    System.setOut(new PrintStream(OutputStream.nullOutputStream()));
    Peer peer = new Peer(List.of(arguments));
    out.println("ready\n");
    out.flush();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      out.println(peer.answer(line.split("\t")));
      out.flush();
    }
  }

  private String answer(String[] asked) throws Exception {
    switch (asked[0]) {
      case "check": return check(Files.readAllBytes(Path.of(asked[1])));
      case "time": return time(Long.parseLong(asked[1]) * 1_000_000, Files.readAllBytes(Path.of(asked[2])));
      case "memory": return memory();
      default: throw new IllegalArgumentException(asked[0]);
    }
  }

  private OperationOutcome validate(byte[] bytes) throws Exception {
    return engine.validate(bytes, FhirFormat.JSON, new ArrayList<>(), new ArrayList<>());
  }

  private String check(byte[] bytes) {
    StringBuilder told = new StringBuilder();
    try {
      for (OperationOutcomeIssueComponent issue : validate(bytes).getIssue()) {
        String expression = issue.getExpression().isEmpty() ? "" : issue.getExpression().get(0).getValue();
        String text = issue.getDetails().getText();
        told.append(String.join("\t", issue.getSeverity().toCode(), extension(issue, "message-id"), extension(issue, "issue-line"),
            extension(issue, "issue-col"), expression, text == null ? "" : text.replaceAll("\\s+", " "))).append('\n');
      }
    } catch (Exception | StackOverflowError failed) {
      told.append("failed\t").append(failed.toString().replaceAll("\\s+", " ")).append('\n');
    }
    return told.toString();
  }

  private static String extension(OperationOutcomeIssueComponent issue, String name) {
    Extension extension = issue.getExtensionByUrl(EXTENSION + name);
    return extension == null ? "" : extension.getValue().primitiveValue();
  }

  private String time(long forNanos, byte[] bytes) throws Exception {
    long wall = System.nanoTime();
    long start = ran();
    long count = 0;
    int issues;
    do {
      issues = validate(bytes).getIssue().size();
      count++;
    } while (ran() - start < forNanos);
    return issues + "\t" + count + "\t" + (ran() - start) + "\t" + (System.nanoTime() - wall) + "\n";
  }

  /** How long this thread ran: neither neighbours nor the virtual machine's own threads (compiler, collector) are counted. */
  private static long ran() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static String memory() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() + "\n";
  }
}
