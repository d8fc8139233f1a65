//! The one way out: listeners on forbidden addresses hear nothing.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::outbound::{Call, Looked, Lookup, Outbound, OutboundFault, Refusal, SystemLookup};
use url::Url;

fn listener(address: &str) -> Option<(TcpListener, u16)> {
    let listener = TcpListener::bind(address).ok()?;
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    Some((listener, port))
}

async fn refused(outbound: &Outbound, url: &str) -> Refusal {
    match outbound.read(Call::get(Url::parse(url).unwrap()), 1024).await {
        Err(OutboundFault::Refused(refusal)) => refusal,
        Err(fault) => panic!("{url}: {fault}"),
        Ok(_) => panic!("{url} was called"),
    }
}

#[tokio::test]
async fn loopback_in_every_notation_hears_nothing() {
    let (four, port) = listener("0.0.0.0:0").unwrap();
    let six = listener(&format!("[::1]:{port}"));
    let outbound = Outbound::new(["127.0.0.1:1".parse().unwrap()].into(), Arc::new(SystemLookup)).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "127.255.255.254",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "１２７.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        for scheme in ["http", "https"] {
            refused(&outbound, &format!("{scheme}://{host}:{port}/")).await;
            refused(&outbound, &format!("{scheme}://{host}/")).await;
        }
        refused(&outbound, &format!("http://user@{host}:{port}/")).await;
    }
    // An address with a zone (RFC 6874) is none at all, so no call can be written down.
    for zone in ["%25lo", "%lo", "%251", "%1", "%25"] {
        for host in ["::1", "fe80::1", "::ffff:127.0.0.1"] {
            assert!(Url::parse(&format!("http://[{host}{zone}]:{port}/")).is_err(), "{host}{zone}");
        }
    }
    assert!(four.accept().is_err(), "somebody connected");
    assert!(six.is_none_or(|(six, _)| six.accept().is_err()), "somebody connected");
}

/// Answers each name with the next list of its own.
struct Script(Mutex<BTreeMap<&'static str, Vec<Vec<&'static str>>>>, AtomicUsize);

impl Lookup for Script {
    fn lookup(&self, name: &str) -> Looked {
        self.1.fetch_add(1, Ordering::SeqCst);
        let mut script = self.0.lock().unwrap();
        let answers = script
            .get_mut(name)
            .map(|lists| if lists.len() > 1 { lists.remove(0) } else { lists[0].clone() });
        Box::pin(async move {
            let answers = answers.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
            Ok(answers.into_iter().map(|text| text.parse::<IpAddr>().unwrap()).collect())
        })
    }
}

#[tokio::test]
async fn a_name_with_one_closed_address_is_not_called() {
    let script = BTreeMap::from([
        ("private.example.com", vec![vec!["10.0.0.1"]]),
        ("metadata.example.com", vec![vec!["169.254.169.254"]]),
        ("mixed.example.com", vec![vec!["192.0.2.1", "127.0.0.1"]]),
        ("six.example.com", vec![vec!["::ffff:127.0.0.1"]]),
        ("nowhere.example.com", vec![vec![]]),
        ("own.example.com", vec![vec!["127.0.0.1"]]),
    ]);
    let hosts: Vec<&str> = script.keys().copied().collect();
    let lookup = Arc::new(Script(Mutex::new(script), AtomicUsize::new(0)));
    let outbound = Outbound::new([].into(), lookup.clone()).unwrap();
    for host in &hosts {
        assert_eq!(refused(&outbound, &format!("https://{host}/")).await, Refusal::Address, "{host}");
    }
    assert_eq!(lookup.1.load(Ordering::SeqCst), hosts.len());
}

#[tokio::test]
async fn a_name_is_asked_for_once_in_each_call_and_its_answer_is_all_that_is_used() {
    // The first answer is public (2d00::/8 is given to nobody, so nobody is bothered), every later one is inside. Were a
    // name looked up a second time between judging and connecting, the first call would land on a listener.
    let listeners: Vec<TcpListener> =
        ["127.0.0.1:443", "[::1]:443"].into_iter().filter_map(listener).map(|(heard, _)| heard).collect();
    let changing = |later: Vec<&'static str>| vec![vec!["2d00::1"], later];
    let script = BTreeMap::from([
        ("four.example.com", changing(vec!["127.0.0.1"])),
        ("six.example.com", changing(vec!["::1"])),
        ("mixed.example.com", changing(vec!["2d00::1", "127.0.0.1"])),
        ("mapped.example.com", changing(vec!["::ffff:127.0.0.1"])),
    ]);
    let hosts: Vec<&str> = script.keys().copied().collect();
    let lookup = Arc::new(Script(Mutex::new(script), AtomicUsize::new(0)));
    let outbound = Outbound::new([].into(), lookup.clone()).unwrap();
    for host in hosts {
        let url = format!("https://{host}/");
        let asked = || lookup.1.load(Ordering::SeqCst);
        let before = asked();
        let mut call = Call::get(Url::parse(&url).unwrap());
        call.timeout = Duration::from_millis(100);
        let nobody = outbound.read(call, 1024).await.err().unwrap();
        let tried = matches!(nobody, OutboundFault::NotSent(_) | OutboundFault::TimedOut);
        assert!(tried, "{host}: a public answer is not refused: {nobody}");
        assert_eq!(asked(), before + 1, "{host}");
        for nth in 2..=3 {
            assert_eq!(refused(&outbound, &url).await, Refusal::Address, "{host}");
            assert_eq!(asked(), before + nth, "{host}");
        }
    }
    assert!(listeners.iter().all(|heard| heard.accept().is_err()), "somebody connected");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let provider = crate::provider::Provider::start().await;
    let (inside, port) = listener("127.0.0.1:0").unwrap();
    let outbound =
        Outbound::new([provider.address.to_string().parse().unwrap()].into(), Arc::new(SystemLookup))
            .unwrap();
    for (status, target) in [
        (302, "http://169.254.169.254/latest/meta-data/".to_owned()),
        (302, format!("http://127.0.0.1:{port}/")),
        (307, format!("http://[::ffff:127.0.0.1]:{port}/")),
        (308, format!("//127.0.0.1:{port}/")),
    ] {
        provider.set(|book| {
            book.access_live.insert("good".to_owned());
            book.api_answers.push((status, vec![("location", target.clone())], String::new()));
        });
        let mut call = Call::get(Url::parse(&provider.url("/api/x")).unwrap());
        call.headers.insert("authorization", "Bearer good".parse().unwrap());
        let answer = outbound.read(call, 1024).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.headers["location"]), (status, &target.parse().unwrap()));
    }
    assert_eq!(provider.book.lock().unwrap().api_calls.len(), 4);
    assert!(inside.accept().is_err(), "somebody connected");
}

#[tokio::test]
async fn what_the_configuration_names_is_called_and_limits_hold() {
    let provider = crate::provider::Provider::start().await;
    let outbound =
        Outbound::new([provider.address.to_string().parse().unwrap()].into(), Arc::new(SystemLookup))
            .unwrap();
    let url = || Url::parse(&provider.url("/fhir/.well-known/smart-configuration")).unwrap();
    assert_eq!(outbound.read(Call::get(url()), 4096).await.unwrap().status.as_u16(), 200);
    let too_large = outbound.read(Call::get(url()), 10).await.err().unwrap();
    assert!(matches!(too_large, OutboundFault::TooLarge { limit_bytes: 10 }));
    let gone = outbound.read(Call::get(Url::parse("http://127.0.0.1:1/").unwrap()), 10).await.err().unwrap();
    assert!(matches!(gone, OutboundFault::Refused(_)));
    let (closed, port) = listener("127.0.0.1:0").unwrap();
    drop(closed);
    let named =
        Outbound::new([format!("127.0.0.1:{port}").parse().unwrap()].into(), Arc::new(SystemLookup)).unwrap();
    let nobody = named
        .read(Call::get(Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap()), 10)
        .await
        .err()
        .unwrap();
    assert!(nobody.was_not_sent(), "{nobody}");
}
