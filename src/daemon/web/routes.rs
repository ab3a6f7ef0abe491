//! Which address shows which view: HTML for people, the same as JSON below `api/v1/`, `metrics`.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Cache, Download, Handler, Page, Request, Response, Statistics, Status};
use crate::daemon::capture::coverage::Meter;
use crate::daemon::clock::{Clock, Zone};
use crate::daemon::evidence::Evidence;
use crate::daemon::evidence::export::Format;
use crate::daemon::evidence::walk::Selection;
use crate::daemon::names::Names;
use crate::daemon::tap::{Shared, lock};
use crate::ledger::{Counters, Coverage};
use crate::limits::{HOSTS_MAX, HOSTS_SHOWN_MAX, INTERFACES_MAX, PORTS_SHOWN_MAX};
use crate::monitor::Monitor;
use crate::packet::{Address, Mac};
use crate::time::Timestamp;
use crate::view::assets::{ASSETS, Asset};
use crate::view::{
    AboutView, Context, DarknetView, Facts, Filter, Hidden, HostName, HostView, HostsQuery, HostsView, Lease,
    MetricsView, NameSource, NotFound, PortsView, ProtocolsView, SourceView, SummaryView,
};

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long a browser may keep the style and the script.
const ASSET_SECONDS: u32 = 3600;

/// What time it is on the pages.
pub enum Present {
    /// The clock's time.
    Live(Clock),
    /// A capture file's last packet's.
    Fixed(Timestamp, Zone),
}

impl Present {
    fn now(&self) -> Timestamp {
        match self {
            Self::Live(clock) => clock.now(),
            Self::Fixed(now, _) => *now,
        }
    }

    fn utc_offset(&self, now: Timestamp) -> i32 {
        match self {
            Self::Live(clock) => clock.utc_offset(now),
            Self::Fixed(_, zone) => zone.utc_offset(now),
        }
    }
}

/// What the shell knows that the monitor does not.
pub trait FactSource {
    /// Hands the present facts to `show`, which writes them down.
    fn with_facts(&self, statistics: &Statistics, show: &mut dyn FnMut(&Facts<'_>));
}

/// What the pages are made from.
pub struct Sources {
    /// The books.
    pub monitor: Shared,
    /// The time.
    pub present: Present,
    /// The names.
    pub names: Names,
    /// What the kernel says passed, for each interface; none for a capture file.
    pub meters: Vec<Arc<Meter>>,
    /// What was sent to the dark, if it is kept.
    pub evidence: Option<Evidence>,
    /// Everything else.
    pub facts: Box<dyn FactSource + Send>,
    /// How the user wants them.
    pub wishes: Wishes,
}

/// How the user wants the pages.
pub struct Wishes {
    /// The path before the pages' own, `/` or `/path/`.
    pub base: String,
    /// What the pages leave out.
    pub hidden: Hidden,
    /// A warning for the readers.
    pub notice: Option<String>,
    /// List only local hosts unless asked otherwise.
    pub local_only: bool,
}

/// The pages, with the memory in which each is put together.
pub struct Pages {
    sources: Sources,
    summary: SummaryView,
    hosts: HostsView,
    host: HostView,
    ports: PortsView,
    protocols: ProtocolsView,
    darknet: DarknetView,
    source: SourceView,
    about: AboutView,
    metrics: MetricsView,
}

/// Where evidence is, in which format and of which media type.
const EVIDENCE: [(&str, Option<Format>, &str); 4] = [
    ("darknet/evidence.pcapng", None, "application/x-pcapng"),
    ("darknet/export.csv", Some(Format::Csv), "text/csv; charset=utf-8"),
    ("darknet/export.jsonl", Some(Format::JsonLines), "application/jsonl"),
    ("darknet/export.sql", Some(Format::Sql), "application/sql"),
];

/// A view to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Summary,
    Hosts,
    Host(Address),
    Ports,
    Protocols,
    Darknet,
    Source(Address),
    About,
}

/// What is behind a path.
#[derive(Clone, Copy)]
enum Route {
    Html(View),
    Json(View),
    Metrics,
    Asset(Asset),
    /// Packets, in a format if they are not to be as they were captured, and its media type.
    Evidence(Option<Format>, &'static str),
}

impl Route {
    /// The route of a path without the base.
    fn of(path: &str) -> Option<Self> {
        if let Some(asset) = ASSETS.into_iter().find(|asset| asset.path == path) {
            return Some(Self::Asset(asset));
        }
        if path == "metrics" {
            return Some(Self::Metrics);
        }
        if path.is_empty() {
            return Some(Self::Html(View::Summary));
        }
        if let Some((_, format, media_type)) = EVIDENCE.into_iter().find(|(known, ..)| *known == path) {
            return Some(Self::Evidence(format, media_type));
        }
        match path.strip_prefix("api/v1/") {
            Some("summary") => Some(Self::Json(View::Summary)),
            Some(path) => View::of(path).map(Self::Json),
            None => View::of(path.strip_suffix('/').unwrap_or(path)).map(Self::Html),
        }
    }
}

impl View {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "hosts" => Self::Hosts,
            "ports" => Self::Ports,
            "protocols" => Self::Protocols,
            "darknet" => Self::Darknet,
            "about" => Self::About,
            _ => {
                let (view, address) = path.split_once('/')?;
                let address = Address::from(address.parse::<IpAddr>().ok()?);
                match view {
                    "hosts" => Self::Host(address),
                    "darknet" => Self::Source(address),
                    _ => return None,
                }
            }
        })
    }
}

impl NameSource for Names {
    fn name(&self, address: Address) -> Option<HostName> {
        self.lookup(address)
    }

    fn name_at(&self, address: Address, time: Timestamp, mac: Mac) -> Option<HostName> {
        self.lookup_at(address, time.seconds, mac)
    }

    fn lease(&self, address: Address, time: Timestamp, mac: Mac) -> Option<Lease> {
        Names::lease(self, address, time.seconds, mac)
    }
}

impl Handler for Pages {
    fn respond(&mut self, request: &Request<'_>, statistics: &Statistics, page: &mut Page) -> Response {
        let route = request.path().strip_prefix(self.sources.wishes.base.as_str()).and_then(Route::of);
        let shown = match route {
            Some(Route::Asset(asset)) => return send_asset(&asset, page),
            Some(Route::Html(view)) => self.show(view, true, request, statistics, page).map(|()| HTML),
            Some(Route::Json(view)) => self.show(view, false, request, statistics, page).map(|()| JSON),
            Some(Route::Metrics) => {
                self.show_metrics(statistics, page);
                Ok(OPENMETRICS)
            }
            // What there is of it was begun as a download.
            Some(Route::Evidence(..)) if self.sources.evidence.is_some() => {
                let _ = page.write_bytes(b"source takes an address, from and to take seconds since 1970.\n");
                return Response::live(Status::BadRequest, TEXT);
            }
            Some(Route::Evidence(..)) | None => Err(NotFound),
        };
        match shown {
            Ok(media_type) => Response::live(Status::Ok, media_type),
            Err(NotFound) => {
                page.clear();
                let _ = page.write_bytes(b"There is no such page, interface or host here.\n");
                Response::live(Status::NotFound, TEXT)
            }
        }
    }

    fn download(&mut self, request: &Request<'_>) -> Option<Download> {
        let path = request.path().strip_prefix(self.sources.wishes.base.as_str())?;
        let Some(Route::Evidence(format, media_type)) = Route::of(path) else { return None };
        let selection = selection(request)?;
        let body = self.sources.evidence.as_ref()?.download(selection, format);
        Some(Download { media_type, body: Box::new(body) })
    }
}

/// Which packets a request is for; `None` if that makes no sense.
fn selection(request: &Request<'_>) -> Option<Selection> {
    let seconds = |name, default| match request.parameter(name) {
        Some(text) if !text.is_empty() => text.parse().ok(),
        _ => Some(default),
    };
    let source = match request.parameter("source") {
        Some(text) if !text.is_empty() => Some(text.parse::<IpAddr>().ok()?.into()),
        _ => None,
    };
    Some(Selection { source, from: seconds("from", 0)?, to: seconds("to", u64::MAX)? })
}

impl Pages {
    /// Allocates the memory of all views.
    // Not in the frame of its caller, which lasts as long as the program: what the stack had once stays.
    #[inline(never)]
    pub fn new(sources: Sources) -> Box<Self> {
        let hosts = lock(&sources.monitor).ledgers().iter().map(|ledger| ledger.hosts_used().1).max();
        let has_evidence = sources.evidence.is_some();
        Box::new(Self {
            sources,
            summary: SummaryView::new(),
            hosts: HostsView::with_capacity(hosts.unwrap_or(HOSTS_MAX).into(), HOSTS_SHOWN_MAX),
            host: HostView::new(),
            ports: PortsView::with_capacity(PORTS_SHOWN_MAX),
            protocols: ProtocolsView::new(),
            darknet: DarknetView::new(has_evidence),
            source: SourceView::new(has_evidence),
            about: AboutView::new(),
            metrics: MetricsView::new(),
        })
    }

    /// Copies a view while the lock is held, then writes it.
    fn show(
        &mut self,
        view: View,
        html: bool,
        request: &Request<'_>,
        statistics: &Statistics,
        page: &mut Page,
    ) -> Result<(), NotFound> {
        let interface = request.parameter("interface");
        let interface = interface.as_deref();
        let query = self.hosts_query(request);
        self.update(|pages, monitor| match view {
            View::Summary => pages.summary.copy(monitor, interface),
            View::Hosts => pages.hosts.copy(monitor, interface, query),
            View::Host(address) => pages.host.copy(monitor, interface, address),
            View::Ports => pages.ports.copy(monitor, interface),
            View::Protocols => pages.protocols.copy(monitor, interface),
            View::Darknet => pages.darknet.copy(monitor, interface),
            View::Source(address) => pages.source.copy(monitor, interface, address),
            View::About => pages.about.copy(monitor, interface),
        })?;
        let context = self.context();
        // A page that runs over is refused by the gate, so there is nothing to do about errors here.
        let _ = match (view, html) {
            (View::Summary, true) => self.summary.write_html(page, &context),
            (View::Summary, false) => self.summary.write_json(page, &context),
            (View::Hosts, true) => self.hosts.write_html(page, &context),
            (View::Hosts, false) => self.hosts.write_json(page, &context),
            (View::Host(_), true) => self.host.write_html(page, &context),
            (View::Host(_), false) => self.host.write_json(page, &context),
            (View::Ports, true) => self.ports.write_html(page, &context),
            (View::Ports, false) => self.ports.write_json(page, &context),
            (View::Protocols, true) => self.protocols.write_html(page, &context),
            (View::Protocols, false) => self.protocols.write_json(page, &context),
            (View::Darknet, true) => self.darknet.write_html(page, &context),
            (View::Darknet, false) => self.darknet.write_json(page, &context),
            (View::Source(_), true) => self.source.write_html(page, &context),
            (View::Source(_), false) => self.source.write_json(page, &context),
            (View::About, html) => {
                self.sources.facts.with_facts(statistics, &mut |facts| {
                    let _ = match html {
                        true => self.about.write_html(page, &context, facts),
                        false => self.about.write_json(page, &context, facts),
                    };
                });
                Ok(())
            }
        };
        Ok(())
    }

    fn show_metrics(&mut self, statistics: &Statistics, page: &mut Page) {
        self.update(|pages, monitor| pages.metrics.copy(monitor));
        let context = self.context();
        self.sources.facts.with_facts(statistics, &mut |facts| {
            let _ = self.metrics.write(page, &context, facts);
        });
    }

    /// Brings the books up to date and copies what will be shown, under the lock.
    fn update<T>(&mut self, copy: impl FnOnce(&mut Self, &Monitor) -> T) -> T {
        // The kernel's counters are files: they are read before the lock is taken.
        let mut measured = heapless::Vec::<_, INTERFACES_MAX>::new();
        measured.extend(self.sources.meters.iter().map(|meter| meter.coverage()));
        let now = self.sources.present.now();
        let monitor = Arc::clone(&self.sources.monitor);
        let mut monitor = lock(&monitor);
        for (ledger, coverage) in monitor.ledgers_mut().iter_mut().zip(&measured) {
            let seen = Coverage {
                kernel: Counters::new(coverage.kernel_packets, coverage.kernel_bytes),
                captured: Counters::new(coverage.captured.packets, coverage.captured.bytes),
                by_packets: coverage.by_packets,
                merged: coverage.captured.merged_frames,
            };
            ledger.set_capture_state(coverage.dropped, (!coverage.filtered).then_some(seen));
        }
        monitor.settle(now);
        copy(self, &monitor)
    }

    fn context(&self) -> Context<'_> {
        let now = self.sources.present.now();
        Context {
            now,
            utc_offset: self.sources.present.utc_offset(now),
            base: &self.sources.wishes.base,
            names: &self.sources.names,
            hidden: self.sources.wishes.hidden,
            notice: self.sources.wishes.notice.as_deref(),
        }
    }

    fn hosts_query(&self, request: &Request<'_>) -> HostsQuery {
        let mut query = HostsQuery::default();
        if self.sources.wishes.local_only {
            query.filter = Filter::Local;
        }
        for (name, value) in request.query() {
            query.set(&name, &value);
        }
        query
    }
}

fn send_asset(asset: &Asset, page: &mut Page) -> Response {
    let _ = page.write_bytes(asset.bytes);
    Response {
        status: Status::Ok,
        media_type: asset.media_type,
        cache: Cache::Seconds(ASSET_SECONDS),
        version: Some(version(asset.bytes)),
        gzip: false,
    }
}

/// A number that changes with the bytes (FNV-1a, RFC 9923).
fn version(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(path: &str) -> Option<(View, bool)> {
        match Route::of(path)? {
            Route::Html(view) => Some((view, true)),
            Route::Json(view) => Some((view, false)),
            Route::Metrics | Route::Asset(_) | Route::Evidence(..) => None,
        }
    }

    #[test]
    fn paths_lead_to_views() {
        let address = Address::from(IpAddr::from([192, 168, 1, 5]));
        assert_eq!(view(""), Some((View::Summary, true)));
        assert_eq!(view("hosts/"), Some((View::Hosts, true)));
        assert_eq!(view("hosts"), Some((View::Hosts, true)));
        assert_eq!(view("hosts/192.168.1.5/"), Some((View::Host(address), true)));
        assert_eq!(view("api/v1/summary"), Some((View::Summary, false)));
        assert_eq!(view("api/v1/hosts/192.168.1.5"), Some((View::Host(address), false)));
        assert!(matches!(Route::of("darknet/export.sql"), Some(Route::Evidence(Some(Format::Sql), _))));
        assert_eq!(view("darknet/192.168.1.5/"), Some((View::Source(address), true)));
        assert_eq!(view("api/v1/darknet/192.168.1.5"), Some((View::Source(address), false)));
        assert!(matches!(Route::of("metrics"), Some(Route::Metrics)));
        assert!(matches!(Route::of("assets/style.css"), Some(Route::Asset(_))));
        for path in ["nothing", "api/v1/", "hosts/x/", "hosts/1.2.3.4/5/", "assets/", "../etc/passwd"] {
            assert!(Route::of(path).is_none(), "{path}");
        }
    }
}
