//! Objects of a bucket: in a store of somebody else's making.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use exchange::{
    connector::{
        Connector, Findings, Outcome, Paced, SignIn, StepName, Way,
        bucket::Bucket,
        files::{Hand, Listed, Rules, Shelf, Version},
        s3::{Address, REGION, S3, Style, keys},
    },
    run::{Counts, Extent, State},
};
use http::Method;
use kernel::{Secret, World};
use outbound::{Call, Outbound, SystemLookup};

use crate::{
    files::{killed, names, people, said, table},
    servers::{Cutter, Store},
    stage::{HERE, Stage, on_sync},
};

const PATTERN: &str = "people*.csv";
/// The clock of tests stands behind that of the store.
const YEARS: Duration = Duration::from_secs(20 * 365 * 86_400);

fn outbound(addresses: &[std::net::SocketAddr]) -> Outbound {
    let allowed = addresses.iter().map(|address| address.to_string().parse().unwrap()).collect();
    Outbound::new(allowed, Arc::new(SystemLookup)).unwrap()
}

fn opened(address: std::net::SocketAddr, name: &str, world: &World) -> Bucket<S3> {
    let endpoint = format!("http://{address}").parse().unwrap();
    let base = Address { endpoint, bucket: name, style: Style::Path }.base().unwrap();
    let keys = keys("test", Secret::new("secret".to_owned()), None);
    let store = S3::new(base, REGION.to_owned(), keys);
    let way = Way::new(Paced::new(outbound(&[address]), world.clone()), SignIn::Open);
    Bucket::new((way, world.clone()), store, "in/".to_owned())
}

fn bucket(address: std::net::SocketAddr, name: &str, world: &World) -> Arc<dyn Connector> {
    let rules =
        Rules { key: vec!["mrn".to_owned()], ..Rules::new(vec![glob::Pattern::new(PATTERN).unwrap()]) };
    Arc::new(opened(address, name, world).source(rules, people(&[PATTERN])))
}

async fn put(store: &Store, path: &str, text: &str) {
    let mut call = Call::get(format!("http://{}/{path}", store.address).parse().unwrap());
    call.method = Method::PUT;
    call.body = Bytes::copy_from_slice(text.as_bytes());
    let answer = outbound(&[store.address]).read(call, 1 << 20).await.unwrap();
    assert!(answer.status.is_success(), "{path}: {}", answer.status);
}

on_sync!(
    async fn objects_come_once_and_whole_whatever_breaks(db) {
        let Some(store) = Store::start() else { return };
        put(&store, "trial", "").await;
        put(&store, "trial/in/people%20one.csv", &table(0..700, "A")).await;
        put(&store, "trial/in/people+%C3%BC.csv", &table(700..1_000, "B")).await;
        put(&store, "trial/in/other.txt", "no\n").await;
        put(&store, "trial/people.csv", &table(9_000..9_001, "elsewhere")).await;
        let cutter = Cutter::open(store.address, 5).await;
        let address = cutter.address;
        let stage = Stage::sourced(db, move |world| bucket(address, "trial", world)).await;
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
        put(&store, "trial/in/people2.csv", &table(995..1_005, "C")).await;
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
    let Some(store) = Store::start() else { return };
    let (world, _) = testkit::world();
    put(&store, "trial", "").await;
    let empty = bucket(store.address, "trial", &world).check(&world).await;
    use StepName::{Connection, Directory, Name, SampleRead, SignIn, Tls};
    let steps: Vec<StepName> = empty.steps.iter().map(|step| step.name).collect();
    assert_eq!(steps, [Name, Connection, Tls, SignIn, Directory, SampleRead]);
    assert_eq!(step(&empty, SampleRead).0, Outcome::Warning);
    put(&store, "trial/in/people.csv", &table(0..3, "A")).await;
    let good = bucket(store.address, "trial", &world).check(&world).await;
    assert_eq!(step(&good, SampleRead).0, Outcome::Passed);
    assert_eq!(step(&good, Tls).0, Outcome::Warning, "nothing is encrypted");
    let none = bucket(store.address, "nothing", &world).check(&world).await;
    assert_eq!(step(&none, SignIn), (Outcome::Failed, "there is no such bucket"));
}

#[tokio::test]
async fn an_object_that_changes_is_another_one() {
    let Some(store) = Store::start() else { return };
    let (world, _) = testkit::world();
    put(&store, "trial", "").await;
    let text = table(0..300, "A");
    put(&store, "trial/in/people.csv", &text).await;
    let mut hand = opened(store.address, "trial", &world).reach().await.unwrap();
    let file = hand.list().await.unwrap().remove(0);
    let from = file.version.size - 5;
    assert_eq!(hand.read(&file, from, 100).await.unwrap().unwrap(), text.as_bytes()[text.len() - 5..]);
    // What the store says of another state of it is longer than what was asked for.
    let other = Listed { version: Version { tag: "\"0\"".to_owned(), ..file.version.clone() }, ..file };
    assert_eq!(hand.read(&other, from, 100).await.unwrap(), None);
}
