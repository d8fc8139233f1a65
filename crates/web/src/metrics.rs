//! What is counted, and how `/metrics` shows it.  OpenMetrics 1.0

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

use http::Method;
pub use prometheus_client;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Metric, Registry},
};

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS_S: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

type Labels<const N: usize> = [(&'static str, Word); N];

/// A label value from a set that is known when the routes are.
type Word = Arc<str>;

/// The metrics of each method and route that was asked for, so that counting a request makes no labels.
type Routes = HashMap<&'static str, HashMap<Box<str>, Arc<Route>>>;

/// The metrics of one method and route.
struct Route {
    durations: Histogram,
    /// By the first digit of the status.
    classes: [OnceLock<Counter>; 6],
}

type Durations = Family<Labels<2>, Histogram, fn() -> Histogram>;

/// The counters of this process. Clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Mutex<Registry>,
    requests: Family<Labels<3>, Counter>,
    durations: Durations,
    routes: RwLock<Routes>,
    connections: Gauge,
    refused_connections: Counter,
    throttled: Family<Labels<1>, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing counted yet; the process counts as started now.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("hilum");
        let inner = Inner {
            requests: Family::default(),
            durations: Durations::new_with_constructor(|| Histogram::new(BUCKETS_S)),
            routes: RwLock::default(),
            connections: Gauge::default(),
            refused_connections: Counter::default(),
            throttled: Family::default(),
            registry: Mutex::default(),
        };
        registry.register("http_requests", "Requests answered", inner.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time until the head of the answer",
            inner.durations.clone(),
        );
        registry.register("http_connections", "Connections open", inner.connections.clone());
        registry.register(
            "http_connections_refused",
            "Connections over a limit",
            inner.refused_connections.clone(),
        );
        registry.register("http_throttled", "Requests over a rate limit", inner.throttled.clone());
        registry.register_collector(Box::new(Process { started: Instant::now() }));
        Self(Arc::new(Inner { registry: Mutex::new(registry), ..inner }))
    }

    /// Show this metric too, as `hilum_<name>`. A counter's name goes without `_total`, which the format adds.
    pub fn register(&self, name: &str, help: &str, metric: impl Metric) {
        self.registry(|registry| registry.register(name, help, metric));
    }

    /// All of them in the text format of OpenMetrics.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail; a collector that does leaves the text cut short, without its `# EOF`.
        if self.registry(|registry| text::encode(&mut out, registry)).is_err() {
            tracing::error!("a metric cannot be written");
        }
        out
    }

    fn registry<T>(&self, with: impl FnOnce(&mut Registry) -> T) -> T {
        with(&mut self.0.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn observe(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let seen = self.route(method, route);
        seen.durations.observe(took.as_secs_f64());
        let class = status / 100;
        if let Some(counter) = seen.classes.get(usize::from(class)) {
            counter.get_or_init(|| self.requests(method, route, class)).inc();
        } else {
            self.requests(method, route, class).inc();
        }
    }

    fn route(&self, method: &'static str, route: &str) -> Arc<Route> {
        let known = self.0.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = known.get(method).and_then(|routes| routes.get(route)) {
            return Arc::clone(seen);
        }
        drop(known);
        let durations =
            self.0.durations.get_or_create_owned(&[("method", method.into()), ("route", route.into())]);
        let seen = Arc::new(Route { durations, classes: Default::default() });
        let mut known = self.0.routes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(method).or_default().entry(route.into()).or_insert(seen))
    }

    fn requests(&self, method: &'static str, route: &str, class: u16) -> Counter {
        let class: Word = format!("{class}xx").into();
        let labels = [("method", method.into()), ("route", route.into()), ("status", class)];
        self.0.requests.get_or_create_owned(&labels)
    }

    pub(crate) fn count_throttled(&self, route: &'static str) {
        self.0.throttled.get_or_create_owned(&[("route", route.into())]).inc();
    }

    pub(crate) fn connections(&self) -> &Gauge {
        &self.0.connections
    }

    pub(crate) fn count_refused_connection(&self) {
        self.0.refused_connections.inc();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// A caller may send any method: those that nobody offers are counted as one.
pub(crate) fn method_word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// How long this process runs and how much memory it holds.
#[derive(Debug)]
struct Process {
    started: Instant,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let uptime = ConstGauge::new(self.started.elapsed().as_secs_f64());
        let kind = uptime.metric_type();
        uptime.encode(encoder.encode_descriptor(
            "process_uptime_seconds",
            "Since the start",
            None,
            kind,
        )?)?;
        if let Some(bytes) = resident_bytes(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
        {
            let resident = ConstGauge::new(bytes);
            let kind = resident.metric_type();
            resident.encode(encoder.encode_descriptor(
                "process_resident_bytes",
                "Memory held",
                None,
                kind,
            )?)?;
        }
        Ok(())
    }
}

/// The `VmRSS` line of /proc/self/status, which is in kB.
fn resident_bytes(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_method_route_and_class() {
        let metrics = Metrics::new();
        for status in [200, 204, 404] {
            metrics.observe("GET", "/a/{id}", status, Duration::from_millis(3));
        }
        metrics.observe(method_word(&"BREW".parse().unwrap()), "unmatched", 404, Duration::ZERO);
        let mine: Counter = Counter::default();
        mine.inc_by(7);
        metrics.register("mine", "Of another crate", mine);
        let text = metrics.encode();
        for line in [
            r#"hilum_http_requests_total{method="GET",route="/a/{id}",status="2xx"} 2"#,
            r#"hilum_http_requests_total{method="OTHER",route="unmatched",status="4xx"} 1"#,
            r#"hilum_http_request_duration_seconds_bucket{le="0.005",method="GET",route="/a/{id}"} 3"#,
            "hilum_mine_total 7",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.contains("hilum_process_resident_bytes "), "{text}");
        assert_eq!(resident_bytes("VmPeak:\t 9 kB\nVmRSS:\t     12 kB\n"), Some(12 * 1024));
    }
}
