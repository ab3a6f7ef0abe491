//! How a scan goes about: the three kinds of Amann's simple scan detector for Zeek.

use crate::limits::{DARK_PORTS_MAX, DARK_TARGETS_MAX};

/// No more ports or addresses than these are still one kind of scan.
const FEW: usize = 5;

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// A few ports of many addresses.
    Horizontal,
    /// Many ports of a few addresses.
    Vertical,
    /// Many ports of many addresses.
    Random,
}

impl Pattern {
    /// The pattern of a source that touched so many addresses and ports; `None` while both are few.
    pub(super) fn of(targets: usize, ports: usize) -> Option<Self> {
        match (targets > FEW, ports > FEW) {
            (true, false) => Some(Self::Horizontal),
            (false, true) => Some(Self::Vertical),
            (true, true) => Some(Self::Random),
            (false, false) => None,
        }
    }

    /// The name that the report and the log use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal",
            Self::Vertical => "vertical",
            Self::Random => "random",
        }
    }
}

const _: () = assert!(DARK_TARGETS_MAX > FEW && DARK_PORTS_MAX > FEW);
