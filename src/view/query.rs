//! Which page of the hosts is wanted.

use super::HostRow;
use crate::limits::HOSTS_SHOWN_MAX;

/// What hosts are sorted by: addresses and none else from the smallest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Bytes both ways.
    #[default]
    Total,
    /// Bytes that the host received.
    Received,
    /// Bytes that the host sent.
    Sent,
    /// Packets both ways.
    Packets,
    /// The address.
    Address,
    /// When the first packet came.
    First,
    /// When the latest packet came.
    Last,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Total, Self::Received, Self::Sent, Self::Packets, Self::Address, Self::First, Self::Last];

    /// The name in a page's address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Received => "in",
            Self::Sent => "out",
            Self::Packets => "packets",
            Self::Address => "address",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// Smaller comes first.
    pub(super) fn key(self, row: &HostRow) -> u64 {
        let total = row.host.total();
        match self {
            Self::Total => !total.both().bytes,
            Self::Received => !total.received.bytes,
            Self::Sent => !total.sent.bytes,
            Self::Packets => !total.both().packets,
            Self::Address => 0,
            Self::First => !u64::from(row.host.first_seen),
            Self::Last => !u64::from(row.host.last_seen),
        }
    }
}

/// Which hosts are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those in a local network.
    Local,
    /// All others.
    Remote,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::Local, Self::Remote];

    /// The name in a page's address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }

    pub(super) fn admits(self, row: &HostRow) -> bool {
        match self {
            Self::All => true,
            Self::Local => row.host.local,
            Self::Remote => !row.host.local,
        }
    }
}

/// Which page of the hosts is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostsQuery {
    /// The order.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// Which hosts.
    pub filter: Filter,
    /// How many hosts come before the page.
    pub offset: usize,
    /// How many hosts are on the page, at most.
    pub count: usize,
}

impl Default for HostsQuery {
    fn default() -> Self {
        Self { sort: Sort::default(), reverse: false, filter: Filter::default(), offset: 0, count: 50 }
    }
}

impl HostsQuery {
    /// Takes a parameter of the page's address: `sort`, `order`, `show`, `offset` or `count`. What it
    /// does not understand changes nothing: a page with odd parameters is still a page.
    pub fn set(&mut self, name: &str, value: &str) {
        match name {
            "sort" => {
                self.sort = Sort::ALL.into_iter().find(|sort| sort.name() == value).unwrap_or(self.sort);
            }
            "order" => self.reverse = value == "reverse",
            "show" => {
                let found = Filter::ALL.into_iter().find(|filter| filter.name() == value);
                self.filter = found.unwrap_or(self.filter);
            }
            "offset" => self.offset = value.parse().unwrap_or(self.offset),
            "count" => self.count = value.parse().unwrap_or(self.count).clamp(1, HOSTS_SHOWN_MAX),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::empty;
    use crate::view::{HostsView, NotFound};

    #[test]
    fn odd_queries_are_harmless() {
        let mut query = HostsQuery::default();
        for (name, value) in [
            ("sort", "in"),
            ("sort", "nothing"),
            ("show", "local"),
            ("show", ""),
            ("order", "reverse"),
            ("offset", "18446744073709551615"),
            ("offset", "-1"),
            ("count", "0"),
            ("x", "y"),
        ] {
            query.set(name, value);
        }
        let offset = usize::MAX;
        let expected =
            HostsQuery { sort: Sort::Received, reverse: true, filter: Filter::Local, offset, count: 1 };
        assert_eq!(query, expected);
        query.set("count", "1000000");
        assert_eq!(query.count, HOSTS_SHOWN_MAX);
        let mut view = HostsView::with_capacity(0, 0);
        view.copy(&empty("x", 4, 4), None, query).unwrap();
        assert!(view.rows().is_empty());
        assert_eq!(view.copy(&empty("x", 4, 4), Some("y"), query), Err(NotFound));
    }
}
