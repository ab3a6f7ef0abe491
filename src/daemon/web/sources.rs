//! What the pages are made from.

use std::sync::Arc;

use super::Statistics;
use crate::daemon::admin::Admin;
use crate::daemon::capture::coverage::Meter;
use crate::daemon::clock::{Clock, Zone};
use crate::daemon::evidence::Evidence;
use crate::daemon::names::Names;
use crate::daemon::tap::Shared;
use crate::packet::{Address, Mac};
use crate::time::Timestamp;
use crate::view::languages::Language;
use crate::view::{Facts, Hidden, HostName, Lease, NameSource};

/// What time it is on the pages.
pub enum Present {
    /// The clock's time.
    Live(Clock),
    /// A capture file's last packet's.
    Fixed(Timestamp, Zone),
}

impl Present {
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Live(clock) => clock.now(),
            Self::Fixed(now, _) => *now,
        }
    }

    pub(super) fn utc_offset(&self, now: Timestamp) -> i32 {
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
    /// Who may do more than look, if anybody.
    pub admin: Option<Admin>,
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
    /// A style sheet that comes after the pages' own.
    pub style: Option<Vec<u8>>,
    /// The pages' language; if there is none, each reader's own.
    pub language: Option<&'static Language>,
    /// List only local hosts unless asked otherwise.
    pub local_only: bool,
}

impl NameSource for Names {
    fn name(&self, address: Address, mac: Mac) -> Option<HostName> {
        self.lookup(address, mac)
    }

    fn device(&self, mac: Mac) -> Option<HostName> {
        Names::device(self, mac)
    }

    fn vendor(&self, mac: Mac) -> Option<HostName> {
        Names::vendor(self, mac)
    }

    fn name_at(&self, address: Address, time: Timestamp, mac: Mac) -> Option<HostName> {
        self.lookup_at(address, time.seconds, mac)
    }

    fn lease(&self, address: Address, time: Timestamp, mac: Mac) -> Option<Lease> {
        Names::lease(self, address, time.seconds, mac)
    }
}
