//! The first page: its size, and what rendering it costs.

use std::hint::black_box;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use duskwatch::monitor::Monitor;
use duskwatch::packet::{Frame, LinkType, decode};
use duskwatch::time::Timestamp;
use duskwatch::view::{Context, Hidden, NoNames, SummaryView};
use traffic::scenarios::{Encoder, Options, Scenario};
use traffic::send::FrameSize;

use crate::live::Watcher;
use crate::row;
use crate::table;
use crate::tools::{self, again, median};
use crate::traces;

/// Packets behind the page: enough to fill the tables.
const PACKETS: u64 = 200_000;

/// Pages rendered for a mean.
const PAGES: u64 = 200;

/// Renders the page some times, for callgrind to watch.
pub fn work(times: &str) {
    let (mut monitor, now) = full_monitor();
    let mut renderer = Renderer::new();
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
    let mut rows = vec![row!["", "requests", "bytes", "with gzip -6"]];
    rows.push(sizes("duskwatch", &Watcher::duskwatch(&["w0"])?, &["/"])?);
    rows.push(sizes("darkstat", &Watcher::darkstat(&["w0"])?, &["/", "/graphs.xml"])?);
    table::print(&rows);

    let (none, all) = (again(&["work", "page", "0"]), again(&["work", "page", &PAGES.to_string()]));
    let [few, many] = tools::instructions([&none, &all])?;
    let (mut monitor, now) = full_monitor();
    let mut renderer = Renderer::new();
    let times = (0..PAGES).map(|_| {
        let start = Instant::now();
        black_box(renderer.render(&mut monitor, now));
        start.elapsed().as_nanos() as f64 / 1_000.0
    });
    let micros = median(times);
    let instructions = (many - few) / PAGES;
    table::print(&[row![
        "rendering /, full tables",
        format!("{instructions} instructions"),
        format!("{micros:.0} us")
    ]]);
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
    text: String,
}

impl Renderer {
    fn new() -> Self {
        Self { view: SummaryView::new(), text: String::with_capacity(1 << 17) }
    }

    fn render(&mut self, monitor: &mut Monitor, now: Timestamp) -> usize {
        let context = Context {
            now,
            utc_offset: 0,
            base: "/",
            names: &NoNames,
            hidden: Hidden::default(),
            notice: None,
        };
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
        let body = watcher.get(path)?;
        bytes += body.len();
        compressed += gzip(&body)?;
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

fn gzip(body: &[u8]) -> Result<usize, String> {
    let failed = |error: std::io::Error| format!("gzip: {error}");
    let mut gzip = Command::new("gzip")
        .args(["-6", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut input = gzip.stdin.take().ok_or("gzip has no input")?;
    let output = thread::scope(|scope| {
        scope.spawn(move || input.write_all(body));
        gzip.wait_with_output()
    });
    Ok(output.map_err(failed)?.stdout.len())
}
