//! 7. Show: bounded copies of the books, and their JSON, HTML and OpenMetrics.
//!
//! A view is made in two steps, so that the lock around the monitor is never held across formatting:
//!
//! 1. under the lock: [`crate::monitor::Monitor::settle`], then the view's `copy`, which moves the rows
//!    that will be shown into memory that the view's constructor allocated. It allocates nothing.
//! 2. after the lock is released: `write_json` or `write_html` from that copy into any [`core::fmt::Write`].
//!    Writing allocates nothing either, and fails only if the writer does.
//!
//! Text that comes from the network (names, and what an interface or a file is called) is escaped by the
//! writers themselves: [`json::Json`] and [`html::Html`] take markup only as `&'static str`.

pub mod assets;
pub mod html;
pub mod json;
pub mod languages;
pub mod report;
pub mod services;
pub mod text;
pub mod units;

mod about;
mod admin;
mod books;
mod chart;
mod darknet;
mod device;
mod devices;
mod events;
mod host;
mod hosts;
mod metrics;
mod missing;
mod page;
mod ports;
mod protocols;
mod query;
mod quotas;
mod rows;
mod side_by_side;
mod source;
mod summary;
mod top;

pub use about::{AboutView, EvidenceFacts, Facts, NameFacts, SenderFacts, StoreFacts, WebFacts};
pub use admin::{AdminView, Outcome, State, Visitor, Wanted};
pub use books::{Books, Header, Interface, NotFound};
pub use darknet::{DarknetView, SourceRow};
pub use device::{DeviceKey, DeviceView};
pub use devices::{DeviceRow, DeviceSort, DevicesView};
pub use host::HostView;
pub use hosts::HostsView;
pub use metrics::MetricsView;
pub use missing::MissingView;
pub use ports::{PortLists, PortsView};
pub use protocols::ProtocolsView;
pub use query::{Filter, HostsQuery, Search, Sort};
pub use rows::{HostRow, PortLine, ProtocolRow};
pub use side_by_side::{ALL_INTERFACES, SideBySideView};
pub use source::SourceView;
pub use summary::SummaryView;
pub use top::{Rest, Top};

use heapless::String;

use self::languages::{ENGLISH, Language};
use crate::limits::NAME_BYTES_MAX;
use crate::packet::{Address, Mac};
use crate::time::Timestamp;

/// The version of the JSON forms. Fields may be added; a changed meaning raises it.
pub const SCHEMA: u32 = 1;

/// What the report and the pages call this program.
pub const PROGRAM: &str = concat!("duskwatch ", env!("CARGO_PKG_VERSION"));

/// A host's name. It comes from strangers: any characters may be in it.
pub type HostName = String<NAME_BYTES_MAX>;

/// Where the names of hosts come from. It is asked while writing, after the monitor's lock is released.
pub trait NameSource {
    /// The address's name, if one is known now. A local address also has the name of the device with this link-layer
    /// address; [`Mac::ZERO`] is none.
    fn name(&self, address: Address, mac: Mac) -> Option<HostName>;

    /// The name of the device with this link-layer address, unless only one of its addresses has a name.
    fn device(&self, _mac: Mac) -> Option<HostName> {
        None
    }

    /// Who made it, if that is known.
    fn vendor(&self, _mac: Mac) -> Option<HostName> {
        None
    }

    /// The name that it had at this time. While it changed hands, the device with this link-layer address had it.
    fn name_at(&self, address: Address, _time: Timestamp, mac: Mac) -> Option<HostName> {
        self.name(address, mac)
    }

    /// Its lease at this time, likewise, if one is known.
    fn lease(&self, _address: Address, _time: Timestamp, _mac: Mac) -> Option<Lease> {
        None
    }
}

/// A lease of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The device's link-layer address, if the lease has one.
    pub mac: Option<Mac>,
    /// The name that the device gave.
    pub name: Option<HostName>,
    /// The Unix second from which the device may have had the address, if that is remembered.
    pub from: Option<u64>,
    /// The Unix second in which the lease ended, or will; `u64::MAX` is never.
    pub until: u64,
}

impl Lease {
    /// When it ends, if ever.
    fn ends(&self) -> Option<u64> {
        (self.until < u64::MAX).then_some(self.until)
    }
}

/// Nobody has a name.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl NameSource for NoNames {
    fn name(&self, _: Address, _: Mac) -> Option<HostName> {
        None
    }
}

/// What every page needs besides its view.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The present time; for a capture file, its last packet's.
    pub now: Timestamp,
    /// Seconds to add to UTC for local time.
    pub utc_offset: i32,
    /// Where the pages are: `/`, or what `--base` says, with a slash at both ends.
    pub base: &'a str,
    /// The hosts' names.
    pub names: &'a dyn NameSource,
    /// The reader's language, for pages.
    pub language: &'static Language,
    /// What is shown to nobody.
    pub hidden: Hidden,
    /// A warning from whoever started the program, if there is one.
    pub notice: Option<&'a str>,
    /// The user has a style sheet of their own.
    pub custom_style: bool,
    /// Whether a password is set, with which the pages can do more than show.
    pub administration: bool,
}

/// What is known of hosts and yet left out, on the pages and in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Link-layer addresses.
    pub macs: bool,
    /// When a host was last seen.
    pub last_seen: bool,
}

impl Context<'static> {
    /// That of somebody who reads English in UTC, at this time: nobody has a name, and nothing is hidden.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now,
            utc_offset: 0,
            base: "/",
            names: &NoNames,
            language: &ENGLISH,
            hidden: Hidden::default(),
            notice: None,
            custom_style: false,
            administration: false,
        }
    }
}

impl Context<'_> {
    /// The link-layer address, if it is known and shown.
    fn mac(&self, mac: Mac) -> Option<Mac> {
        (mac != Mac::ZERO && !self.hidden.macs).then_some(mac)
    }

    /// Who made the device with this link-layer address, if that is known and shown.
    fn vendor(&self, mac: Mac) -> Option<HostName> {
        self.names.vendor(self.mac(mac)?)
    }

    /// When a host was last seen, in seconds since 1970, if that is shown.
    fn last_seen(&self, seconds: u64) -> Option<u64> {
        (!self.hidden.last_seen).then_some(seconds)
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
