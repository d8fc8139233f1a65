//! Files of an SFTP server: OpenSSH's own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use exchange::{
    connector::{
        Connector, Cursor, Findings, Outcome, Paced, PullFault, StepName,
        budget::Budget,
        files::{After, Rules},
        sftp::{self, Directory, Proof},
    },
    quarantine,
    run::{Counts, Extent, State},
};
use kernel::{Secret, World};
use outbound::{Outbound, SystemLookup};

use crate::{
    budget::Counted,
    files::{killed, long_ago, names, people, said, table},
    servers::{Asks, Cutter, Sshd},
    stage::{HERE, INTEGRATION, Stage, on_sync, organisation},
};

const PATTERN: &str = "people_*.csv";

fn directory(sshd: &Sshd, address: SocketAddr) -> Directory {
    let allowed = [address.to_string().parse().unwrap()].into_iter().collect();
    Directory {
        paced: Paced::new(Outbound::new(allowed, Arc::new(SystemLookup)).unwrap(), testkit::world().0),
        host: address.ip().to_string(),
        port: address.port(),
        host_key: Some(sshd.host_key.parse().unwrap()),
        username: sshd.username.clone(),
        proof: Proof { private_key: Some(Secret::new(sshd.private_key.clone())), ..Proof::default() },
        path: sshd.at("files").to_str().unwrap().to_owned(),
        processed: None,
    }
}

fn rules() -> Rules {
    Rules { key: vec!["mrn".to_owned()], ..Rules::new(vec![glob::Pattern::new(PATTERN).unwrap()]) }
}

fn source(directory: Directory, rules: Rules, world: &World) -> Arc<dyn Connector> {
    Arc::new(sftp::source(directory, rules, people(&[PATTERN]), world.clone()))
}

async fn stage(db: store::Db, directory: Directory, rules: Rules) -> Stage {
    Stage::sourced(db, move |world| source(directory, rules, world)).await
}

on_sync!(
    async fn files_come_once_and_whole_whatever_breaks(db) {
        let Some(sshd) = Sshd::start() else { return };
        let cutter = Cutter::open(sshd.address, 3).await;
        let stage = stage(db, directory(&sshd, cutter.address), rules()).await;
        let now = stage.clock_now();
        sshd.put("people_a.csv", &table(0..600, "A"), long_ago(now, 0));
        sshd.put("people_b.csv", &table(600..900, "B"), long_ago(now, 1));
        // It was changed last: what it says of some of them is what counts.
        sshd.put("people_c.csv", &table(850..1_000, "C"), long_ago(now, 2));
        sshd.put("people_new.csv", &table(5_000..5_001, "not settled"), now);
        sshd.put("other.csv", "not,ours\n", long_ago(now, 0));
        std::fs::create_dir_all(sshd.at("files").join("people_folder.csv")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", sshd.at("files").join("people_link.csv")).unwrap();
        cutter.cut(30);
        let run = stage.begin(Extent::Full).await;
        let run = killed(&stage, run, 11).await;
        cutter.cut(0);
        assert_eq!((run.state, run.why.as_deref()), (State::Done, None), "{:?}", run.counts);
        assert!(cutter.met() > 0);
        let all = [(0..600, "A"), (600..850, "B"), (850..1_000, "C")];
        let mut here = names(&stage).await;
        here.retain(|(number, _)| number != "m05000");
        assert_eq!(here, said(&all));
        let versions: i64 = stage.records(HERE).await.values().map(|(_, version)| version).sum();
        assert_eq!(versions, run.counts.stored, "nothing was written twice");
        assert_eq!(run.counts.quarantined + run.counts.deleted, 0);

        // The clock has gone on: what was new lies still by now. One more comes, and one is changed.
        stage.clock.advance(Duration::from_secs(3_600));
        let incremental = stage.begin(Extent::Incremental).await;
        stage.ended(incremental).await;
        sshd.put("people_a.csv", &table(0..600, "A"), long_ago(now, 5));
        sshd.put("people_d.csv", &table(2_000..2_010, "D"), long_ago(now, 6));
        let next = stage.begin(Extent::Incremental).await;
        let next = stage.ended(next).await;
        let counts = Counts { received: 610, stored: 10, unchanged: 600, ..Counts::default() };
        assert_eq!((next.state, next.counts), (State::Done, counts));
        let nothing = stage.begin(Extent::Incremental).await;
        assert_eq!(stage.ended(nothing).await.counts, Counts::default());
    }
);

on_sync!(
    async fn what_cannot_be_read_or_mapped_waits_with_its_place(db) {
        let Some(sshd) = Sshd::start() else { return };
        let stage = stage(db, directory(&sshd, sshd.address), rules()).await;
        let now = stage.clock_now();
        sshd.put("people_a.csv", "mrn,name\nm1,One\nm2\n,Three\nm4,Four\n", long_ago(now, 0));
        sshd.put("people_b.csv", "mrn,mrn\n", long_ago(now, 1));
        sshd.put("people_c.csv", "mrn,name\nm5,Five\n", long_ago(now, 2));
        let run = stage.begin(Extent::Full).await;
        let run = stage.ended(run).await;
        assert_eq!(run.counts, Counts { received: 6, stored: 3, quarantined: 3, ..Counts::default() });
        let mut reader = stage.db.read().await.unwrap();
        let waiting = quarantine::waiting(&mut reader, (organisation(1), INTEGRATION), None, 10).await.unwrap();
        drop(reader);
        let mut words = Vec::new();
        for one in &waiting {
            assert!(!one.name.id.contains("people"), "names of files may say who is in them");
            words.push(quarantine::kept(&stage.exchange, organisation(1), one.id).await.unwrap().words);
        }
        words.sort();
        assert_eq!(
            words,
            [
                "people_a.csv, line 3: the row has another number of fields than there are columns",
                "people_a.csv, line 4: a member that tells records apart is missing or empty",
                "people_b.csv, from byte 0 on: two of its columns have the same name",
            ]
        );
        // Corrected, a file settles what could not be read of it before; another file's row waits on.
        sshd.put("people_d.csv", "mrn,name\nm9\n", long_ago(now, 0));
        let run = stage.begin(Extent::Incremental).await;
        assert_eq!(stage.ended(run).await.counts, Counts { received: 1, quarantined: 1, ..Counts::default() });
        sshd.put("people_a.csv", "mrn,name\nm1,One\nm2,Two\nm3,Three\nm4,Four\n", long_ago(now, 3));
        sshd.put("people_b.csv", "mrn,name\nm6,Six\n", long_ago(now, 4));
        let run = stage.begin(Extent::Incremental).await;
        let run = stage.ended(run).await;
        assert_eq!(run.counts, Counts { received: 5, stored: 3, unchanged: 2, ..Counts::default() });
        let mut reader = stage.db.read().await.unwrap();
        let waiting = quarantine::waiting(&mut reader, (organisation(1), INTEGRATION), None, 10).await.unwrap();
        assert_eq!(waiting.len(), 1);
        drop(reader);
        let kept = quarantine::kept(&stage.exchange, organisation(1), waiting[0].id).await.unwrap();
        assert!(kept.words.starts_with("people_d.csv, line 2"), "{}", kept.words);
    }
);

on_sync!(
    async fn files_that_are_done_with_are_put_away_and_none_is_overwritten(db) {
        let Some(sshd) = Sshd::start() else { return };
        let place = sshd.at("done").to_str().unwrap().to_owned();
        let directory = Directory { processed: Some(place), ..directory(&sshd, sshd.address) };
        let stage = stage(db, directory, Rules { after: After::PutAway, ..rules() }).await;
        let now = stage.clock_now();
        for (more, name) in [(0, "first"), (1, "second")] {
            sshd.put("people_a.csv", &table(0..3, name), long_ago(now, more));
            let run = stage.begin(Extent::Incremental).await;
            let run = stage.ended(run).await;
            assert_eq!((run.state, run.counts.stored), (State::Done, 3));
        }
        assert_eq!(sshd.names("files"), [""; 0]);
        assert_eq!(sshd.names("done"), ["people_a.csv", "people_a.csv.2"]);
        assert_eq!(names(&stage).await, said(&[(0..3, "second")]));
    }
);

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_begun_anew() {
    let Some(sshd) = Sshd::start() else { return };
    let (world, _) = testkit::world();
    let connector = source(directory(&sshd, sshd.address), rules(), &world);
    let now = world.now();
    sshd.put("people_a.csv", &table(0..900, "before"), long_ago(now, 0));
    let first = connector.pull(&Cursor::default()).await.unwrap();
    assert_eq!(first.records.len(), 500);
    // The same time and length, and other bytes: only the bytes tell.
    sshd.put("people_a.csv", &table(0..900, "behind"), long_ago(now, 0));
    let (mut place, mut found) = (first.next, Vec::new());
    while let Some(next) = place {
        let page = connector.pull(&Cursor { mark: None, place: Some(next) }).await.unwrap();
        found.extend(page.records);
        place = page.next;
    }
    assert_eq!(found.len(), 0, "a file that is another one is left to the next run");
    let mark = connector.pull(&Cursor::default()).await.unwrap();
    assert!(mark.records.iter().all(|one| one.text.as_ref().is_ok_and(|text| text.contains("behind"))));
}

fn step(findings: &Findings, name: StepName) -> (Outcome, &'static str) {
    let step = findings.steps.iter().find(|step| step.name == name).unwrap();
    (step.outcome, step.message)
}

#[tokio::test]
async fn a_server_is_known_by_its_key_before_anything_is_said() {
    let Some(sshd) = Sshd::start() else { return };
    let (world, _) = testkit::world();
    sshd.put("people_a.csv", &table(0..3, "A"), world.now());
    let at = |change: &dyn Fn(&mut Directory)| {
        let mut directory = directory(&sshd, sshd.address);
        change(&mut directory);
        source(directory, rules(), &world)
    };
    let good = at(&|_| {}).check(&world).await;
    assert!(good.steps.iter().all(|step| step.outcome == Outcome::Passed), "{good:?}");
    let names: Vec<StepName> = good.steps.iter().map(|step| step.name).collect();
    use StepName::{Connection, Directory as Folder, HostKey, Name, SampleRead, SignIn};
    assert_eq!(names, [Name, Connection, HostKey, SignIn, Folder, SampleRead]);
    let print = good.host_key.clone().unwrap();

    let unset = at(&|directory| directory.host_key = None);
    let found = unset.check(&world).await;
    assert_eq!((step(&found, HostKey).0, found.host_key.as_deref()), (Outcome::Failed, Some(&*print)));
    assert_eq!(step(&found, SignIn).0, Outcome::Skipped);
    assert!(matches!(unset.pull(&Cursor::default()).await, Err(PullFault::Final { .. })));
    let by_print = at(&|directory| directory.host_key = Some(print.parse().unwrap()));
    assert_eq!(by_print.pull(&Cursor::default()).await.unwrap().records.len(), 0, "it has not settled");

    let other = "SHA256:uNiVztksCsDhcc0u9e8BrZv3tbv1LJ7yWTPAUaXkxC8";
    let other = at(&|directory| directory.host_key = Some(other.parse().unwrap()));
    let found = other.check(&world).await;
    assert_eq!(
        step(&found, HostKey),
        (Outcome::Failed, "the server shows another host key than the one that is set")
    );
    assert_eq!(found.host_key.as_deref(), Some(&*print));
    assert!(matches!(other.pull(&Cursor::default()).await, Err(PullFault::Final { .. })));

    let wrong = at(&|directory| directory.proof.private_key = Some(Secret::new(another_key())));
    assert_eq!(
        step(&wrong.check(&world).await, SignIn),
        (Outcome::Failed, "the server does not know our credential")
    );
    let none = at(&|directory| directory.proof = Proof::default());
    assert_eq!(step(&none.check(&world).await, SignIn), (Outcome::Failed, "no credential is set"));
    let broken = at(&|directory| directory.proof.private_key = Some(Secret::new("no key".to_owned())));
    assert!(
        step(&broken.check(&world).await, SignIn).1.starts_with("credentials.private_key cannot be read")
    );
    let nowhere = at(&|directory| directory.path = "/nowhere".to_owned());
    assert_eq!(
        step(&nowhere.check(&world).await, Folder),
        (Outcome::Failed, "the directory cannot be opened")
    );
    let inside = at(&|directory| directory.port = 22);
    assert_eq!(
        step(&inside.check(&world).await, Name).0,
        Outcome::Failed,
        "only what the settings name is inside"
    );
}

#[tokio::test]
async fn whatever_a_server_asks_for_is_given_once_it_is_known() {
    const PASSWORD: &str = "correct horse battery";
    const IN: (Outcome, &str) = (Outcome::Passed, "the server knows us, and lets us use SFTP");
    const OUT: (Outcome, &str) = (Outcome::Failed, "the server does not know our credential");
    let (world, _) = testkit::world();
    let tried = async |sshd: &Sshd, proof: Proof| {
        let directory = Directory { proof, ..directory(sshd, sshd.address) };
        step(&source(directory, rules(), &world).check(&world).await, StepName::SignIn)
    };
    let key = |text: &str| Some(Secret::new(text.to_owned()));
    if let Some(sshd) = Sshd::start() {
        for (of, passphrase) in [("rsa", ""), ("rsa", "sealed"), ("ed25519", "sealed"), ("ecdsa", "")] {
            let text = sshd.another_key(of, passphrase);
            let passphrase = (!passphrase.is_empty()).then(|| Secret::new(passphrase.to_owned()));
            let proof = Proof { private_key: key(&text), passphrase: passphrase.clone(), password: None };
            assert_eq!(tried(&sshd, proof.clone()).await, IN, "{of}");
            if passphrase.is_some() {
                for wrong in [None, key("another")] {
                    let said = tried(&sshd, Proof { passphrase: wrong, ..proof.clone() }).await;
                    assert!(said.1.starts_with("credentials.private_key cannot be read"), "{of}: {said:?}");
                }
            }
        }
    }
    for asks in [Asks::Password, Asks::Question] {
        let Some(sshd) = Sshd::asking(asks, PASSWORD) else { return };
        let proof = |word: &str| Proof { password: key(word), ..Proof::default() };
        assert_eq!(tried(&sshd, proof(PASSWORD)).await, IN);
        assert_eq!(tried(&sshd, proof("another")).await, OUT);
    }
    let Some(sshd) = Sshd::asking(Asks::Both, PASSWORD) else { return };
    let both = Proof { private_key: key(&sshd.private_key), password: key(PASSWORD), passphrase: None };
    assert_eq!(tried(&sshd, both.clone()).await, IN);
    assert_eq!(
        tried(&sshd, Proof { password: None, ..both.clone() }).await,
        (Outcome::Failed, "the server wants a password beside the key")
    );
    assert_eq!(tried(&sshd, Proof { private_key: None, ..both }).await, OUT);
}

#[tokio::test]
async fn a_connection_is_a_turn_of_the_budget_up_to_its_end() {
    let Some(sshd) = Sshd::start() else { return };
    let (world, _) = testkit::world();
    let turns = Counted::of(1);
    let directory = directory(&sshd, sshd.address);
    let directory = Directory { paced: directory.paced.clone().within(turns.clone()), ..directory };
    let files = source(directory, rules(), &world);
    sshd.put("people_a.csv", &table(0..3, "A"), long_ago(world.now(), 0));
    assert_eq!(files.pull(&Cursor::default()).await.unwrap().records.len(), 3);
    assert!(files.check(&world).await.worst().is_none());
    assert_eq!((turns.given(), turns.taken()), (2, 0), "both were given back");
    let _other = turns.enter().await.unwrap();
    assert!(matches!(files.pull(&Cursor::default()).await, Err(PullFault::Later { .. })));
    let said = step(&files.check(&world).await, StepName::Connection);
    assert_eq!(said.0, Outcome::Failed);
    assert!(said.1.contains("budget"), "{said:?}");
}

fn another_key() -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let mut made = std::process::Command::new("ssh-keygen");
    made.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path);
    assert!(made.status().unwrap().success());
    std::fs::read_to_string(path).unwrap()
}
