//! Blobs of a container of Azure's: in Azurite, which Microsoft makes for tests.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::{
    connector::{
        Connector, Findings, Outcome, Paced, SignIn, StepName, Way,
        azure::{Azure, Proof, account_key, shared_access},
        bucket::Bucket,
        files::{Hand, Rules, Shelf},
    },
    run::{Counts, Extent, State},
};
use http::{HeaderName, Method};
use kernel::{Secret, World};
use outbound::{Call, Outbound, SystemLookup};

use crate::{
    files::{killed, names, people, said, table},
    servers::{Azurite, Cutter},
    stage::{HERE, Stage, on_sync},
};

const PATTERN: &str = "people*.csv";
/// The clock of tests stands behind that of the store.
const YEARS: Duration = Duration::from_secs(20 * 365 * 86_400);

fn outbound(address: SocketAddr) -> Outbound {
    let allowed = [address.to_string().parse().unwrap()].into_iter().collect();
    Outbound::new(allowed, Arc::new(SystemLookup)).unwrap()
}

fn key() -> Proof {
    account_key(Azurite::ACCOUNT, &Secret::new(Azurite::KEY.to_owned())).unwrap()
}

fn signature(text: &str) -> String {
    let key = Secret::new(crypto::b64::decode_standard(Azurite::KEY).unwrap());
    crypto::b64::encode_standard(crypto::hmac_sha256_bytes(&key, &[text.as_bytes()]).as_bytes())
}

/// A shared access signature for a container.
fn shared(container: &str, rights: &str, ends: &str) -> Proof {
    let of = format!("/blob/{}/{container}", Azurite::ACCOUNT);
    let fields = [rights, "", ends, &of, "", "", "", "2020-12-06", "c", "", "", "", "", "", "", ""];
    let signature = signature(&fields.join("\n"));
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("sv", "2020-12-06")
        .append_pair("sr", "c")
        .append_pair("sp", rights)
        .append_pair("se", ends)
        .append_pair("sig", &signature)
        .finish();
    shared_access(&Secret::new(format!("?{query}"))).unwrap()
}

fn bucket(address: SocketAddr, (name, prefix): (&str, &str), proof: Proof, world: &World) -> Bucket<Azure> {
    let endpoint = format!("http://{address}/{}", Azurite::ACCOUNT).parse().unwrap();
    let way = Way::new(Paced::new(outbound(address), world.clone()), SignIn::Open);
    Bucket::new((way, world.clone()), Azure::new(endpoint, name, proof).unwrap(), prefix.to_owned())
}

fn source(bucket: Bucket<Azure>) -> Arc<dyn Connector> {
    let rules =
        Rules { key: vec!["mrn".to_owned()], ..Rules::new(vec![glob::Pattern::new(PATTERN).unwrap()]) };
    Arc::new(bucket.source(rules, people(&[PATTERN])))
}

/// Puts things into a store.
struct Putter {
    address: SocketAddr,
    outbound: Outbound,
    _store: Azurite,
}

impl Putter {
    fn start() -> Option<Self> {
        let store = Azurite::start()?;
        Some(Self { address: store.address, outbound: outbound(store.address), _store: store })
    }
}

/// A container, or a blob with this text.
async fn put(store: &Putter, path: &str, text: Option<&str>) {
    let path = format!("/{}/{path}", Azurite::ACCOUNT);
    let query = if text.is_none() { "?restype=container" } else { "" };
    let mut call = Call::get(format!("http://{}{path}{query}", store.address).parse().unwrap());
    let mut fields = vec![
        ("x-ms-date", "Fri, 26 Jun 2026 23:39:12 GMT".to_owned()),
        ("x-ms-version", "2021-12-02".to_owned()),
    ];
    fields.extend(text.map(|_| ("x-ms-blob-type", "BlockBlob".to_owned())));
    fields.sort_unstable();
    let own: String = fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let length = text.map(|text| text.len().to_string()).unwrap_or_default();
    let query = query.replace("?restype=", "\nrestype:");
    let signed = format!("PUT\n\n\n{length}\n\n\n\n\n\n\n\n\n{own}/{}{path}{query}", Azurite::ACCOUNT);
    fields.push(("authorization", format!("SharedKey {}:{}", Azurite::ACCOUNT, signature(&signed))));
    for (name, value) in fields {
        call.headers.insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    call.method = Method::PUT;
    call.body = Bytes::copy_from_slice(text.unwrap_or_default().as_bytes());
    let answer = store.outbound.read(call, 1 << 20).await.unwrap();
    assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.body);
}

on_sync!(
    async fn blobs_come_once_and_whole_whatever_breaks(db) {
        let Some(store) = Putter::start() else { return };
        put(&store, "trial", None).await;
        put(&store, "trial/in/people%20one.csv", Some(&table(0..700, "A"))).await;
        put(&store, "trial/in/people%2B%C3%BC.csv", Some(&table(700..1_000, "B"))).await;
        put(&store, "trial/in/other.txt", Some("no\n")).await;
        put(&store, "trial/people.csv", Some(&table(9_000..9_001, "elsewhere"))).await;
        let cutter = Cutter::open(store.address, 5).await;
        let address = cutter.address;
        let made = move |world: &World| source(bucket(address, ("trial", "in/"), key(), world));
        let stage = Stage::sourced(db, made).await;
        stage.clock.advance(YEARS);
        cutter.cut(40);
        let run = stage.begin(Extent::Full).await;
        let run = killed(&stage, run, 5).await;
        cutter.cut(0);
        assert_eq!((run.state, run.why.as_deref()), (State::Done, None), "{:?}", run.counts);
        assert!(cutter.met() > 0);
        assert_eq!(names(&stage).await, said(&[(0..700, "A"), (700..1_000, "B")]));
        let versions: i64 = stage.records(HERE).await.values().map(|(_, version)| version).sum();
        assert_eq!(versions, run.counts.stored);
        put(&store, "trial/in/people2.csv", Some(&table(995..1_005, "C"))).await;
        let next = stage.begin(Extent::Incremental).await;
        let next = stage.ended(next).await;
        assert_eq!(next.counts, Counts { received: 10, stored: 10, ..Counts::default() });
        assert_eq!(names(&stage).await, said(&[(0..700, "A"), (700..995, "B"), (995..1_005, "C")]));
    }
);

fn step(findings: &Findings, name: StepName) -> (Outcome, &'static str) {
    let step = findings.steps.iter().find(|step| step.name == name).unwrap();
    (step.outcome, step.message)
}

#[tokio::test]
async fn a_test_says_where_it_ends() {
    use StepName::{Connection, Directory, Name, SampleRead, SignIn, Tls};
    const NEVER: &str = "2999-01-01T00:00:00Z";
    let Some(store) = Putter::start() else { return };
    let (world, _) = testkit::world();
    put(&store, "trial", None).await;
    let tested = async |name: &str, proof: Proof| {
        source(bucket(store.address, (name, "in/"), proof, &world)).check(&world).await
    };
    let empty = tested("trial", key()).await;
    let steps: Vec<StepName> = empty.steps.iter().map(|step| step.name).collect();
    assert_eq!(steps, [Name, Connection, Tls, SignIn, Directory, SampleRead]);
    assert_eq!(step(&empty, SampleRead).0, Outcome::Warning, "{empty:?}");
    put(&store, "trial/in/people.csv", Some(&table(0..3, "A"))).await;
    for proof in [key(), shared("trial", "rl", NEVER)] {
        let good = tested("trial", proof).await;
        assert_eq!(step(&good, SampleRead).0, Outcome::Passed, "{good:?}");
        assert_eq!(step(&good, Tls).0, Outcome::Warning, "nothing is encrypted");
    }
    let none = tested("nothing", key()).await;
    assert_eq!(step(&none, SignIn), (Outcome::Failed, "there is no such bucket"));
    // What proves nothing, has ended, is of another container, or does not reach as far.
    let another = account_key(Azurite::ACCOUNT, &Secret::new("aGVsbG8=".to_owned())).unwrap();
    for proof in [another, shared("trial", "rl", "2020-01-01T00:00:00Z"), shared("other", "rl", NEVER)] {
        let refused = tested("trial", proof).await;
        assert_eq!(step(&refused, SignIn).0, Outcome::Failed, "{refused:?}");
        assert_eq!(step(&refused, SampleRead).0, Outcome::Skipped, "{refused:?}");
    }
    let lists_only = tested("trial", shared("trial", "l", NEVER)).await;
    assert_eq!(
        (step(&lists_only, SignIn).0, step(&lists_only, SampleRead).0),
        (Outcome::Passed, Outcome::Failed)
    );
}

#[tokio::test]
async fn a_list_goes_on_behind_its_marker_and_a_blob_that_changes_is_another_one() {
    let Some(store) = Putter::start() else { return };
    let (world, _) = testkit::world();
    put(&store, "trial", None).await;
    for nth in 0..1_001 {
        put(&store, &format!("trial/in/a{nth:04}"), Some("x")).await;
    }
    let text = table(0..300, "A");
    put(&store, "trial/in/people.csv", Some(&text)).await;
    let mut hand = bucket(store.address, ("trial", "in/"), key(), &world).reach().await.unwrap();
    let listed = hand.list().await.unwrap();
    assert_eq!(listed.len(), 1_002);
    let file = listed.into_iter().find(|file| file.name == "people.csv").unwrap();
    assert_eq!(file.version.size, text.len() as u64);
    let read = hand.read(&file, 10, 100).await.unwrap().unwrap();
    assert_eq!(read, text.as_bytes()[10..110]);
    let end = hand.read(&file, file.version.size - 5, 100).await.unwrap().unwrap();
    assert_eq!(end, text.as_bytes()[text.len() - 5..]);
    // As long as before, and not the same.
    put(&store, "trial/in/people.csv", Some(&table(0..300, "B"))).await;
    assert_eq!(hand.read(&file, 10, 100).await.unwrap(), None);
    let gone = exchange::connector::files::Listed { name: "gone.csv".to_owned(), ..file };
    assert_eq!(hand.read(&gone, 0, 100).await.unwrap(), None);
}
