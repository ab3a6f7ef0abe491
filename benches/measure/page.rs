//! The first page: its size, and what rendering it costs.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use duskwatch::monitor::Monitor;
use duskwatch::packet::{Frame, LinkType, decode};
use duskwatch::time::Timestamp;
use duskwatch::view::languages::{ENGLISH, LANGUAGES, Language};
use duskwatch::view::{Context, SummaryView};
use traffic::scenarios::{Encoder, Options, Scenario};
use traffic::send::FrameSize;

use crate::live::Watcher;
use crate::router::{self, Answer};
use crate::row;
use crate::table;
use crate::tools::{self, again, median};
use crate::traces;

/// Packets behind the page: enough to fill the tables.
const PACKETS: u64 = 200_000;

/// Pages rendered for a mean.
const PAGES: u64 = 200;

/// Answers of the emulated router for a mean.
const ANSWERS: u64 = 20;

/// Renders the page some times in a language, for callgrind to watch.
pub fn work(language: &str, times: &str) {
    let (mut monitor, now) = full_monitor();
    let mut renderer = Renderer::new(Language::of(language).unwrap_or(&ENGLISH));
    for _ in 0..times.parse().unwrap_or(0) {
        black_box(renderer.render(&mut monitor, now));
    }
}

/// Prints sizes and costs.
pub fn measure() -> Result<(), String> {
    table::heading(
        "The first page",
        "bytes with all that it loads; after half a million packets of a flood; rendering is settle, copy and write",
    );
    let mut rows = vec![row!["", "requests", "bytes", "as a browser asks for it"]];
    rows.push(sizes("duskwatch", &Watcher::duskwatch(&["w0"])?, &["/"])?);
    rows.push(sizes("darkstat", &Watcher::darkstat(&["w0"])?, &["/", "/graphs.xml"])?);
    table::print(&rows);

    let mut rows = vec![row!["rendering /, full tables", "instructions (x86-64)", "us (goal: 2,000)"]];
    for language in LANGUAGES {
        let work = |times: u64| again(&["work", "page", language.tag, &times.to_string()]);
        let (none, all) = (work(0), work(PAGES));
        let [few, many] = tools::instructions([&none, &all])?;
        let (mut monitor, now) = full_monitor();
        let mut renderer = Renderer::new(language);
        let times = (0..PAGES).map(|_| {
            let start = Instant::now();
            black_box(renderer.render(&mut monitor, now));
            start.elapsed().as_nanos() as f64 / 1_000.0
        });
        let micros = median(times);
        rows.push(row![language.tag, (many - few) / PAGES, format!("{micros:.0}")]);
    }
    table::print(&rows);
    on_a_router()
}

/// What an answer costs the program for mipsel, over HTTP.
fn on_a_router() -> Result<(), String> {
    let options = Options { packets: PACKETS, ..Options::default() };
    let capture = traces::file_of(Scenario::MixFlood, &options)?;
    let mut rows = vec![row!["an answer, full tables", "instructions (mipsel)", "compressed"]];
    for path in ["/", "/hosts/", "/devices/", "/metrics"] {
        let [plain, compressed] = [false, true]
            .map(|is_compressed| router::instructions_of(&Answer { path, is_compressed }, &capture, ANSWERS));
        rows.push(row![path, plain?, compressed?]);
    }
    table::print(&rows);
    Ok(())
}

/// A monitor with full tables, and its last packet's time.
fn full_monitor() -> (Monitor, Timestamp) {
    let mut monitor = traces::monitor(false);
    let mut encoder = Encoder::new();
    let mut now = Timestamp::default();
    for packet in Scenario::MixFlood.packets(&Options { packets: PACKETS, ..Options::default() }) {
        let bytes = encoder.encode(&packet);
        let frame = Frame { link: LinkType::Ethernet, bytes, wire_length: bytes.len() as u32 };
        let micros = packet.time_micros;
        now = Timestamp { seconds: micros / 1_000_000, micros: (micros % 1_000_000) as u32 };
        monitor.observe(0, &decode(&frame), frame.bytes, now);
    }
    (monitor, now)
}

struct Renderer {
    view: SummaryView,
    language: &'static Language,
    text: String,
}

impl Renderer {
    fn new(language: &'static Language) -> Self {
        Self { view: SummaryView::new(), language, text: String::with_capacity(1 << 17) }
    }

    fn render(&mut self, monitor: &mut Monitor, now: Timestamp) -> usize {
        let context = Context { language: self.language, ..Context::at(now) };
        monitor.settle(now);
        self.text.clear();
        self.view.copy(monitor, None).expect("there is an interface");
        self.view.write_html(&mut self.text, &context).expect("a string takes all");
        self.text.len()
    }
}

/// What a browser loads for the first page.
fn sizes(name: &str, watcher: &Watcher, pages: &[&str]) -> Result<Vec<String>, String> {
    watcher.send(Scenario::MixFlood, "s0", FrameSize::Fixed(60))?;
    thread::sleep(Duration::from_secs(2));
    let mut paths: Vec<String> = pages.iter().map(|&page| page.to_owned()).collect();
    let first = watcher.get(pages[0])?;
    paths.extend(assets(&String::from_utf8_lossy(&first)));
    let mut bytes = 0;
    let mut compressed = 0;
    for path in &paths {
        bytes += watcher.get(path)?.len();
        compressed += watcher.get_compressed(path)?.len();
    }
    Ok(row![name, paths.len(), bytes, compressed])
}

/// The style sheets, scripts and images that a page names, as paths on the same server.
fn assets(page: &str) -> Vec<String> {
    let tags = page.split('<').filter(|tag| {
        let is_link = tag.starts_with("link") && (tag.contains("stylesheet") || tag.contains("icon"));
        is_link || tag.starts_with("script") || tag.starts_with("img")
    });
    let mut paths: Vec<String> = tags
        .filter_map(|tag| {
            let value = tag.split("href=\"").nth(1).or_else(|| tag.split("src=\"").nth(1))?;
            let path = value.split('"').next()?.trim_start_matches('.').trim_start_matches('/');
            (!path.contains(':')).then(|| format!("/{path}"))
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}
