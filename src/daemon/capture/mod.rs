//! Live capture: several interfaces, one thread, one poll(2).
//!
//! An interface of ours is a set of devices (see [`devices`]) read through one libpcap handle. Devices
//! come and go: the kernel says so on a netlink socket, whose messages are not parsed but taken as the
//! sign to look again. An interface that is not there is waited for, and costs nothing meanwhile.
//!
//! Only opening a raw socket needs a privilege (CAP_NET_RAW), at the start and whenever an interface
//! comes back.

pub mod addresses;
pub mod coverage;
pub mod devices;
mod handle;
mod interface;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use heapless::Vec as BoundedVec;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{self, AddressFamily, RecvFlags, SocketFlags, SocketType, netlink};

use crate::daemon::system;
use crate::limits::{INTERFACES_MAX, RING_DEFAULT, SNAPLEN_DEFAULT};
use crate::network::{Networks, Role};
use crate::packet::{Frame, LinkType};
use crate::time::Timestamp;
use coverage::Meter;
use devices::{DeviceSet, System};
use interface::Interface;

/// After a message of the kernel the next look at the devices waits this long: messages come in
/// bursts, and a Wi-Fi driver may send them all day.
const RESCAN_PAUSE: Duration = Duration::from_millis(200);

/// A device that is there but cannot be opened is tried again after this long.
const REOPEN_PAUSE: Duration = Duration::from_secs(5);

/// This long after the last frame the losses are read once more: losses during the last burst of frames
/// are known to the kernel, but nothing else would make us ask.
const SETTLE_PAUSE: Duration = Duration::from_secs(6);

/// An interface to watch.
#[derive(Clone, Debug)]
pub struct InterfaceSpec {
    /// Its name, such as `br-lan`.
    pub name: String,
    /// What it leads to, which decides what counts as local there.
    pub role: Role,
}

/// How to capture.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only frames that match this pcap-filter(7) expression.
    pub filter: Option<String>,
    /// Whether to hear what is not addressed to this machine.
    pub promiscuous: bool,
    /// Whether to open no device but the interfaces themselves.
    pub named_only: bool,
    /// Bytes captured of each frame.
    pub snaplen: u32,
    /// Bytes of each interface's ring. libpcap takes at least one block of 256 KiB.
    pub ring_size: u32,
    /// Whether to start without an interface that does not exist yet.
    pub wait: bool,
    /// Where the kernel describes its devices.
    pub system: System,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filter: None,
            promiscuous: true,
            named_only: false,
            snaplen: SNAPLEN_DEFAULT,
            ring_size: RING_DEFAULT,
            wait: false,
            system: System::default(),
        }
    }
}

/// Who takes what is captured. All calls come from the thread that runs the capture; the interface is
/// its place in the list that [`Capture::open`] took.
pub trait Sink {
    /// What takes the frames of a batch.
    type Batch<'a>: Batch
    where
        Self: 'a;

    /// At most [`crate::limits::CAPTURE_BATCH`] frames of this interface follow, which are there already.
    fn begin(&mut self, interface: usize) -> Self::Batch<'_>;

    /// The interface has come, gone or changed its addresses.
    fn changed(&mut self, interface: usize, presence: &Presence<'_>);

    /// What came is handed over. Says how soon to be called again though nothing comes, if at all.
    fn caught_up(&mut self) -> Option<Duration> {
        None
    }
}

/// Frames of one interface that were captured shortly one after the other.
pub trait Batch {
    /// One frame. Called for each, so it must not block.
    fn frame(&mut self, frame: &Frame<'_>, now: Timestamp);

    /// A frame of a bridge that counts elsewhere: a [`crate::packet::Discard::BridgedCopy`].
    fn bridged_copy(&mut self, now: Timestamp);

    /// There may be a while until the next frame.
    fn end(self);
}

/// What is known of an interface now.
#[derive(Clone, Copy, Debug)]
pub struct Presence<'a> {
    /// The interface's name.
    pub name: &'a str,
    /// How its frames begin, or `None` while it is waited for.
    pub link: Option<LinkType>,
    /// Its local networks; the last known ones while it is waited for.
    pub networks: &'a Networks,
    /// Its devices, or `None` while it does not exist.
    pub devices: Option<&'a DeviceSet>,
}

/// The live capture of all interfaces.
pub struct Capture {
    interfaces: Vec<Interface>,
    options: Options,
    /// Brings a message whenever a device or an address comes, goes or changes.
    changes: OwnedFd,
    /// When to look at the devices again, if there is a reason to.
    rescan_at: Option<Instant>,
    /// When to read the losses, unless frames come first.
    settle_at: Option<Instant>,
    /// When the sink wants to be called again.
    sink_at: Option<Instant>,
}

/// What a poll found ready.
struct Ready {
    stop: bool,
    interfaces: BoundedVec<usize, INTERFACES_MAX>,
}

impl Capture {
    /// Opens all interfaces.
    ///
    /// # Errors
    /// One line for the user: an interface that does not exist or is down (unless `wait` is set), a
    /// filter that does not compile, a missing privilege.
    pub fn open(specs: &[InterfaceSpec], options: Options) -> Result<Self, String> {
        if let Some(filter) = &options.filter {
            handle::check_filter(filter).map_err(|error| format!("--filter '{filter}': {error}"))?;
        }
        // Before the first look at the devices, so that no change between the two is missed.
        let changes = watch_changes().map_err(|error| format!("cannot watch network devices: {error}"))?;
        let addresses = system::device_addresses().unwrap_or_default();
        let mut interfaces = Vec::with_capacity(specs.len());
        for spec in specs {
            if interfaces.len() == INTERFACES_MAX {
                return Err(format!("-i {}: at most {INTERFACES_MAX} interfaces", spec.name));
            }
            if !devices::is_device_name(&spec.name) {
                return Err(format!("-i {}: this cannot be the name of an interface", spec.name));
            }
            let mut interface = Interface::new(spec, &options);
            interface.look(&options, &addresses);
            match interface.waiting() {
                Some(reason) if !options.wait => return Err(format!("-i {}: {reason}", spec.name)),
                Some(reason) => log::warn!("waiting for {}: {reason}", spec.name),
                None => {}
            }
            interfaces.push(interface);
        }
        let retry = interfaces.iter().any(|interface: &Interface| interface.retry);
        let rescan_at = retry.then(|| Instant::now() + REOPEN_PAUSE);
        Ok(Self { interfaces, options, changes, rescan_at, settle_at: None, sink_at: None })
    }

    /// The meters of the interfaces' coverage, in their order, for whoever shows them.
    pub fn meters(&self) -> Vec<Arc<Meter>> {
        self.interfaces.iter().map(|interface| Arc::clone(&interface.meter)).collect()
    }

    /// What is known of each interface now, in their order.
    pub fn presences(&self) -> impl Iterator<Item = Presence<'_>> {
        self.interfaces.iter().map(|interface| interface.presence())
    }

    /// Captures until `stop` becomes readable or is hung up. First tells the sink what is there.
    ///
    /// # Errors
    /// Only if poll(2) itself fails; whatever happens to an interface is waited out.
    pub fn run(&mut self, sink: &mut impl Sink, stop: BorrowedFd<'_>) -> Result<(), String> {
        for (index, presence) in self.presences().enumerate() {
            sink.changed(index, &presence);
        }
        loop {
            let ready = self.wait(stop).map_err(|error| format!("poll: {error}"))?;
            let now = Instant::now();
            if !ready.interfaces.is_empty() {
                self.settle_at = Some(now + SETTLE_PAUSE);
            }
            for index in ready.interfaces {
                if let Some(interface) = self.interfaces.get_mut(index)
                    && !interface.drain(index, sink)
                {
                    // Gone or broken. The kernel's message may have come first, so look either way.
                    self.rescan_within(RESCAN_PAUSE);
                }
            }
            if ready.stop {
                return Ok(());
            }
            if self.rescan_at.is_some_and(|at| at <= now) {
                self.rescan(sink);
            }
            if self.settle_at.is_some_and(|at| at <= now) {
                self.settle_at = None;
                self.interfaces.iter_mut().for_each(Interface::read_losses);
            }
            self.sink_at = sink.caught_up().map(|pause| Instant::now() + pause);
        }
    }

    /// Sleeps until there is something to do.
    fn wait(&mut self, stop: BorrowedFd<'_>) -> rustix::io::Result<Ready> {
        let next = [self.rescan_at, self.settle_at, self.sink_at].into_iter().flatten().min();
        let timeout = next.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = timeout.and_then(|wait| Timespec::try_from(wait).ok());
        let mut polled = BoundedVec::<PollFd<'_>, { INTERFACES_MAX + 2 }>::new();
        let mut places = BoundedVec::<usize, INTERFACES_MAX>::new();
        let _ = polled.push(PollFd::from_borrowed_fd(stop, PollFlags::IN));
        let _ = polled.push(PollFd::new(&self.changes, PollFlags::IN));
        for (index, interface) in self.interfaces.iter().enumerate() {
            if let Some(handle) = &interface.handle {
                let _ = polled.push(PollFd::new(handle, PollFlags::IN));
                let _ = places.push(index);
            }
        }
        match poll(&mut polled, timeout.as_ref()) {
            Err(rustix::io::Errno::INTR) | Ok(0) => {
                return Ok(Ready { stop: false, interfaces: BoundedVec::new() });
            }
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let mut hits = polled.iter().map(|entry| !entry.revents().is_empty());
        let stop = hits.next().unwrap_or(false);
        let changed = hits.next().unwrap_or(false);
        let interfaces =
            places.into_iter().zip(hits).filter(|(_, hit)| *hit).map(|(index, _)| index).collect();
        drop(polled);
        if changed {
            drain_changes(&self.changes);
            self.rescan_within(RESCAN_PAUSE);
        }
        Ok(Ready { stop, interfaces })
    }

    fn rescan_within(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.rescan_at = Some(self.rescan_at.map_or(at, |planned| planned.min(at)));
    }

    /// Looks at all interfaces anew.
    fn rescan(&mut self, sink: &mut impl Sink) {
        self.rescan_at = None;
        let addresses = system::device_addresses().unwrap_or_default();
        let mut retry = false;
        for (index, interface) in self.interfaces.iter_mut().enumerate() {
            let before = interface.waiting().map(str::to_owned);
            if interface.look(&self.options, &addresses) {
                sink.changed(index, &interface.presence());
            }
            let name = &interface.name;
            match (before.as_deref(), interface.waiting()) {
                (Some(_), None) => log::info!("{name} is back"),
                (before, Some(now)) if before != Some(now) => log::warn!("waiting for {name}: {now}"),
                _ => {}
            }
            retry |= interface.retry;
        }
        if retry {
            self.rescan_within(REOPEN_PAUSE);
        }
    }
}

/// A socket that becomes readable when a device or an address of this machine changes.
fn watch_changes() -> rustix::io::Result<OwnedFd> {
    // RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR of <linux/rtnetlink.h>.
    const GROUPS: u32 = 0x1 | 0x10 | 0x100;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    // The protocol is NETLINK_ROUTE, which is 0.
    let socket = net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    net::bind(&socket, &netlink::SocketAddrNetlink::new(0, GROUPS))?;
    Ok(socket)
}

/// Throws away what waits on the socket, a bounded number at a time. Messages that did not fit its
/// buffer are no loss: that there were some is all they say.
fn drain_changes(socket: &OwnedFd) {
    let mut message = [0; 256];
    for _ in 0..64 {
        match net::recv(socket, &mut message, RecvFlags::DONTWAIT) {
            Ok(_) | Err(rustix::io::Errno::NOBUFS | rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
}
