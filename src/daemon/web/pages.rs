//! The pages: a request's view is copied under the lock and written without it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::listing::Listing;
use super::routes::{Route, View};
use super::sources::Sources;
use super::{
    Answer, Cache, Download, Handler, Page, Post, Refusal, Request, Response, Statistics, Status, Takes,
};
use crate::daemon::evidence::walk::Selection;
use crate::daemon::tap::lock;
use crate::ledger::{Counters, Coverage};
use crate::limits::{HOSTS_LISTED_MAX, HOSTS_MAX, HOSTS_SHOWN_MAX, INTERFACES_MAX, PORTS_SHOWN_MAX};
use crate::monitor::Monitor;
use crate::view::assets::Asset;
use crate::view::languages::{ENGLISH, Language};
use crate::view::{
    ALL_INTERFACES, AboutView, AdminView, Context, DarknetView, DeviceKey, DeviceSort, DeviceView,
    DevicesView, Filter, HostView, HostsQuery, HostsView, MetricsView, MissingView, NotFound, Outcome,
    PortsView, ProtocolsView, SideBySideView, Sort, SourceView, SummaryView, Visitor, Wanted,
};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// How long a browser may keep the style and the script.
const ASSET_SECONDS: u32 = 3600;

/// The pages, with the memory in which each is put together.
pub struct Pages {
    sources: Sources,
    summary: SummaryView,
    devices: DevicesView,
    device: DeviceView,
    hosts: HostsView,
    host: HostView,
    /// The host's device is in the device's view.
    has_device: bool,
    ports: PortsView,
    protocols: ProtocolsView,
    /// Where there are several interfaces, none of which is called "all".
    side_by_side: Option<SideBySideView>,
    darknet: DarknetView,
    source: SourceView,
    about: AboutView,
    admin: AdminView,
    metrics: MetricsView,
    missing: MissingView,
}

impl Handler for Pages {
    fn respond(&mut self, request: &Request<'_>, statistics: &Statistics, page: &mut Page) -> Response {
        let path = request.path().strip_prefix(self.sources.wishes.base.as_str());
        let route = path.and_then(Route::of);
        // Programs are answered in a line.
        let is_page = match route {
            Some(route) => matches!(route, Route::Html(_)),
            None => path.is_some_and(|path| !path.starts_with("api/")),
        };
        let shown = match route {
            Some(Route::Asset(asset)) => return send_asset(&asset, page),
            Some(Route::Style) => match &self.sources.wishes.style {
                Some(style) => {
                    let _ = page.write_bytes(style);
                    return file(style, CSS);
                }
                None => Err(NotFound),
            },
            Some(Route::Html(view)) => self.show(view, true, request, statistics, page).map(|()| HTML),
            Some(Route::Json(view)) => self.show(view, false, request, statistics, page).map(|()| JSON),
            Some(Route::Metrics) => {
                self.show_metrics(statistics, page);
                Ok(MetricsView::MEDIA_TYPE)
            }
            Some(Route::Admin) => {
                self.show_admin(request, Wanted::of(|name| request.parameter(name)), None, page);
                Ok(HTML)
            }
            // What there is of it was begun as a download.
            Some(Route::Evidence(..)) if self.sources.evidence.is_some() => {
                let _ = page.write_bytes(b"source takes an address, from and to take seconds since 1970.\n");
                return Response::live(Status::BadRequest, TEXT);
            }
            Some(Route::Evidence(..)) | None => Err(NotFound),
        };
        match shown {
            Ok(media_type) => {
                Response { by_language: media_type == HTML, ..Response::live(Status::Ok, media_type) }
            }
            Err(NotFound) if is_page => {
                page.clear();
                self.missing.copy(&lock(&self.sources.monitor));
                let _ = self.missing.write_html(page, &self.context(self.language(request)));
                Response { by_language: true, ..Response::live(Status::NotFound, HTML) }
            }
            Err(NotFound) => {
                page.clear();
                let _ = page.write_bytes(b"There is no such page, interface or host here.\n");
                Response::live(Status::NotFound, TEXT)
            }
        }
    }

    fn download(&mut self, request: &Request<'_>) -> Option<Download> {
        if let Some(state) =
            self.sources.admin.as_mut().and_then(|admin| admin.download(request, Instant::now()))
        {
            return Some(state);
        }
        let path = request.path().strip_prefix(self.sources.wishes.base.as_str())?;
        match Route::of(path)? {
            Route::Html(View::Hosts) => self.listing(request),
            Route::Evidence(format, media_type) => {
                let selection = selection(request)?;
                let body = self.sources.evidence.as_ref()?.download(selection, format);
                Some(Download { media_type, body: Box::new(body) })
            }
            _ => None,
        }
    }

    fn takes(&mut self, request: &Request<'_>, now: Instant) -> Takes {
        self.sources.admin.as_mut().map_or(Takes::Nothing, |admin| admin.takes(request, now))
    }

    fn act(&mut self, post: &Post<'_>, page: &mut Page) -> Answer {
        let Some(admin) = &mut self.sources.admin else { return Answer::Refused(Refusal::Method) };
        admin.act(post).unwrap_or_else(|| {
            let wanted = Wanted::of(|name| Some(post.form.get(name)));
            self.show_admin(post.request, wanted, Some(Outcome::WrongPassword), page);
            Answer::Ready(Response::live(Status::Forbidden, HTML))
        })
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
        let accounts =
            lock(&sources.monitor).ledgers().iter().map(|ledger| ledger.accounts().rows_max()).max();
        let interfaces = lock(&sources.monitor).ledgers().len();
        let is_name = lock(&sources.monitor).ledgers().iter().any(|ledger| ledger.name() == ALL_INTERFACES);
        let has_evidence = sources.evidence.is_some();
        Box::new(Self {
            sources,
            summary: SummaryView::new(),
            devices: DevicesView::with_capacity(accounts.unwrap_or_default()),
            device: DeviceView::new(),
            hosts: HostsView::with_capacity(hosts.unwrap_or(HOSTS_MAX).into(), HOSTS_SHOWN_MAX),
            host: HostView::new(),
            has_device: false,
            ports: PortsView::with_capacity(PORTS_SHOWN_MAX),
            protocols: ProtocolsView::new(),
            side_by_side: (interfaces > 1 && !is_name).then(|| SideBySideView::with_interfaces(interfaces)),
            darknet: DarknetView::new(has_evidence),
            source: SourceView::new(has_evidence),
            about: AboutView::new(),
            admin: AdminView::default(),
            metrics: MetricsView::new(),
            missing: MissingView::default(),
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
        let mut device_sort = DeviceSort::named(&request.parameter("sort").unwrap_or_default());
        if device_sort == DeviceSort::Last && self.sources.wishes.hidden.last_seen {
            device_sort = DeviceSort::default();
        }
        let language = self.language(request);
        let wants_all = self.side_by_side.is_some() && interface == Some(ALL_INTERFACES);
        let view = if wants_all { view.of_all() } else { view };
        let interface = interface.filter(|name| !(html && self.is_all(name)));
        if view == View::Hosts && query.needs_names() {
            self.update(|pages, monitor| pages.hosts.collect(monitor, interface))?;
            self.hosts.choose(&query, &self.sources.names, self.sources.wishes.hidden);
        }
        if view == View::Summary {
            // Of which time its lists are. Programs that know of no choice mean all time.
            let by = request.parameter("top").and_then(|name| Sort::named(&name));
            let by = by.filter(|by| !self.hides(*by));
            self.summary.by = by.unwrap_or(if html { Sort::Today } else { Sort::Total });
        }
        self.update(|pages, monitor| pages.copy(monitor, view, html, interface, query, device_sort))?;
        self.write(view, html, language, statistics, page);
        Ok(())
    }

    /// Copies what a view shows. This is all that is done while the lock is held.
    fn copy(
        &mut self,
        monitor: &Monitor,
        view: View,
        html: bool,
        interface: Option<&str>,
        query: HostsQuery,
        device_sort: DeviceSort,
    ) -> Result<(), NotFound> {
        match view {
            View::Summary => self.summary.copy(monitor, interface),
            View::Devices => self.devices.copy(monitor, interface, device_sort, query.offset),
            // Nobody learns here whose link-layer address it is.
            View::Device(key) if key.is_mac() && self.sources.wishes.hidden.macs => Err(NotFound),
            View::Device(key) => self.device.copy(monitor, interface, key),
            View::Hosts => self.hosts.copy(monitor, interface, query),
            View::Host(address) => {
                // Hosts of no known device share an account, whose graphs are not of any of them.
                let key = DeviceKey::Address(address);
                self.has_device =
                    html && self.device.copy(monitor, interface, key).is_ok() && self.device.is_device();
                self.host.copy(monitor, interface, address)
            }
            View::Ports => self.ports.copy(monitor, interface),
            View::Protocols => self.protocols.copy(monitor, interface),
            View::AllPorts | View::AllProtocols => {
                self.side_by_side.as_mut().ok_or(NotFound).and_then(|view| view.copy(monitor))
            }
            View::Darknet => self.darknet.copy(monitor, interface),
            View::Source(address) => self.source.copy(monitor, interface, address),
            View::About => self.about.copy(monitor, interface),
        }
    }

    /// Writes what was copied.
    fn write(
        &self,
        view: View,
        html: bool,
        language: &'static Language,
        statistics: &Statistics,
        page: &mut Page,
    ) {
        let context = self.context(language);
        // A page that runs over is refused by the gate, so there is nothing to do about errors here.
        let _ = match (view, html) {
            (View::Summary, true) => self.summary.write_html(page, &context),
            (View::Summary, false) => self.summary.write_json(page, &context),
            (View::Devices, true) => self.devices.write_html(page, &context),
            (View::Devices, false) => self.devices.write_json(page, &context),
            (View::Device(_), true) => self.device.write_html(page, &context),
            (View::Device(_), false) => self.device.write_json(page, &context),
            (View::Hosts, true) => self.hosts.write_html(page, &context),
            (View::Hosts, false) => self.hosts.write_json(page, &context),
            (View::Host(_), true) => {
                self.host.write_html(page, &context, self.has_device.then_some(&self.device))
            }
            (View::Host(_), false) => self.host.write_json(page, &context),
            (View::Ports, true) => self.ports.write_html(page, &context),
            (View::Ports, false) => self.ports.write_json(page, &context),
            (View::Protocols, true) => self.protocols.write_html(page, &context),
            (View::Protocols, false) => self.protocols.write_json(page, &context),
            (View::AllPorts | View::AllProtocols, html) => match (&self.side_by_side, view, html) {
                (Some(all), View::AllPorts, true) => all.write_ports_html(page, &context),
                (Some(all), View::AllPorts, false) => all.write_ports_json(page, &context),
                (Some(all), _, true) => all.write_protocols_html(page, &context),
                (Some(all), _, false) => all.write_protocols_json(page, &context),
                (None, ..) => Ok(()),
            },
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
    }

    /// True if this is no interface, but stands for all. A page that cannot show all shows the first.
    fn is_all(&self, name: &str) -> bool {
        name == ALL_INTERFACES
            && lock(&self.sources.monitor).ledgers().iter().all(|ledger| ledger.name() != name)
    }

    /// The page of more hosts than a response has room for, if that is wanted and there are as many.
    fn listing(&mut self, request: &Request<'_>) -> Option<Download> {
        let query = self.hosts_query(request);
        let hosts = self.hosts.capacity();
        if query.count.min(hosts) <= HOSTS_SHOWN_MAX {
            return None;
        }
        let interface = request.parameter("interface");
        let interface = interface.as_deref().filter(|name| !self.is_all(name));
        let mut view = HostsView::with_capacity(hosts, hosts.min(HOSTS_LISTED_MAX));
        if query.needs_names() {
            self.update(|_, monitor| view.collect(monitor, interface)).ok()?;
            view.choose(&query, &self.sources.names, self.sources.wishes.hidden);
        }
        self.update(|_, monitor| view.copy(monitor, interface, query)).ok()?;
        if view.rows().len() <= HOSTS_SHOWN_MAX {
            return None;
        }
        let listing = Listing::new(view, self.sources.names.clone(), &self.context(self.language(request)));
        Some(Download { media_type: HTML, body: Box::new(listing) })
    }

    /// Shows the forms. `outcome` is how the latest action went of somebody who has no session.
    fn show_admin(
        &mut self,
        request: &Request<'_>,
        wanted: Wanted,
        outcome: Option<Outcome>,
        page: &mut Page,
    ) {
        // The first interface is always there.
        let _ = self.update(|pages, monitor| pages.admin.copy(monitor, None));
        let mut visitor = Visitor::Anyone;
        let mut said = outcome.map(|outcome| (outcome, String::new()));
        let mut token = String::new();
        if let Some(admin) = &mut self.sources.admin {
            let (state, renames) = (admin.state(), admin.renames());
            visitor = match admin.session(request, Instant::now()) {
                Some(session) => {
                    said = session.said.take();
                    token.clone_from(&session.token);
                    Visitor::Administrator { token: &token, state, renames }
                }
                None => Visitor::Stranger,
            };
        }
        let said = said.as_ref().map(|(outcome, what)| (*outcome, what.as_str()));
        let context = self.context(self.language(request));
        let _ = self.admin.write_html(page, &context, visitor, wanted, said);
    }

    fn show_metrics(&mut self, statistics: &Statistics, page: &mut Page) {
        self.update(|pages, monitor| pages.metrics.copy(monitor));
        let context = self.context(&ENGLISH);
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

    fn context(&self, language: &'static Language) -> Context<'_> {
        let now = self.sources.present.now();
        Context {
            now,
            utc_offset: self.sources.present.utc_offset(now),
            base: &self.sources.wishes.base,
            names: &self.sources.names,
            language,
            hidden: self.sources.wishes.hidden,
            notice: self.sources.wishes.notice.as_deref(),
            custom_style: self.sources.wishes.style.is_some(),
            administration: self.sources.admin.is_some(),
        }
    }

    /// The reader's language, unless the user has chosen one for all.
    fn language(&self, request: &Request<'_>) -> &'static Language {
        self.sources.wishes.language.unwrap_or_else(|| request.language())
    }

    fn hosts_query(&self, request: &Request<'_>) -> HostsQuery {
        let mut query = HostsQuery::default();
        if self.sources.wishes.local_only {
            query.filter = Filter::Local;
        }
        for (name, value) in request.query() {
            query.set(&name, &value);
        }
        if self.hides(query.sort) {
            query.sort = Sort::default();
        }
        query
    }

    /// True if nobody may learn what this sorts by: the order of the rows would tell.
    fn hides(&self, sort: Sort) -> bool {
        sort == Sort::Last && self.sources.wishes.hidden.last_seen
    }
}

/// Whatever coding the client takes: every browser that loads a style or a script knows gzip, and the plain bytes beside
/// these would be 4 kB of a package.
fn send_asset(asset: &Asset, page: &mut Page) -> Response {
    let _ = page.write_compressed(asset.compressed);
    file(asset.compressed, asset.media_type)
}

/// The response that has these bytes.
fn file(bytes: &[u8], media_type: &'static str) -> Response {
    Response {
        status: Status::Ok,
        media_type,
        cache: Cache::Seconds(ASSET_SECONDS),
        version: Some(version(bytes)),
        by_language: false,
        headers: Vec::new(),
    }
}

/// A number that changes with the bytes (FNV-1a, RFC 9923).
fn version(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
