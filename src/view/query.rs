//! Which page of the hosts is wanted.

use super::HostRow;
use crate::limits::{HOSTS_LISTED_MAX, SEARCH_BYTES_MAX};

/// What hosts are sorted by: names and addresses from the smallest, all else from the largest.
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
    /// Bytes per second both ways.
    Now,
    /// Bytes since midnight both ways.
    Today,
    /// The name; hosts without one come last.
    Name,
    /// The address.
    Address,
    /// When the first packet came.
    First,
    /// When the latest packet came.
    Last,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Total,
        Self::Received,
        Self::Sent,
        Self::Packets,
        Self::Now,
        Self::Today,
        Self::Name,
        Self::Address,
        Self::First,
        Self::Last,
    ];

    /// The name in a page's address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Received => "in",
            Self::Sent => "out",
            Self::Packets => "packets",
            Self::Now => "now",
            Self::Today => "today",
            Self::Name => "name",
            Self::Address => "address",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }

    /// True if the smallest comes first.
    pub(super) const fn is_ascending(self) -> bool {
        matches!(self, Self::Name | Self::Address)
    }

    /// Smaller comes first. Names are not in the row.
    pub(super) fn key(self, row: &HostRow) -> u64 {
        let total = row.host.total();
        match self {
            Self::Total => !total.both().bytes,
            Self::Received => !total.received.bytes,
            Self::Sent => !total.sent.bytes,
            Self::Packets => !total.both().packets,
            Self::Now => !(row.lately.rate.received.saturating_add(row.lately.rate.sent)),
            Self::Today => !(row.lately.today[0].saturating_add(row.lately.today[1])),
            Self::Name | Self::Address => 0,
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
    /// Those with an IPv4 address.
    V4,
    /// Those with an IPv6 address.
    V6,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::All, Self::Local, Self::Remote, Self::V4, Self::V6];

    /// The name in a page's address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::V4 => "v4",
            Self::V6 => "v6",
        }
    }

    pub(super) fn admits(self, row: &HostRow) -> bool {
        match self {
            Self::All => true,
            Self::Local => row.is_local(),
            Self::Remote => !row.is_local(),
            Self::V4 => row.address.is_v4(),
            Self::V6 => !row.address.is_v4(),
        }
    }
}

/// A text that is searched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search {
    bytes: [u8; SEARCH_BYTES_MAX],
    length: usize,
}

impl Search {
    /// The text as far as there is room for it.
    pub fn of(text: &str) -> Self {
        let mut search = Self::default();
        for character in text.trim().chars() {
            let end = search.length + character.len_utf8();
            let Some(room) = search.bytes.get_mut(search.length..end) else { break };
            character.encode_utf8(room);
            search.length = end;
        }
        search
    }

    /// The text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// True if there is nothing to search for.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// True if it is a part of this text, whatever the case of Latin letters.
    pub fn is_in(&self, text: &str) -> bool {
        let wanted = &self.bytes[..self.length];
        self.is_empty() || text.as_bytes().windows(self.length).any(|part| part.eq_ignore_ascii_case(wanted))
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
    /// What their name, address or MAC address has in it.
    pub search: Search,
    /// How many hosts come before the page.
    pub offset: usize,
    /// How many hosts are on the page, at most.
    pub count: usize,
}

impl Default for HostsQuery {
    fn default() -> Self {
        Self {
            sort: Sort::default(),
            reverse: false,
            filter: Filter::default(),
            search: Search::default(),
            offset: 0,
            count: 50,
        }
    }
}

impl HostsQuery {
    /// True if the hosts' names have to be asked for before it is known which are on the page.
    pub fn needs_names(&self) -> bool {
        self.sort == Sort::Name || !self.search.is_empty()
    }

    /// Takes a parameter of the page's address: `sort`, `order`, `show`, `search`, `offset` or `count`. What it
    /// does not understand changes nothing: a page with odd parameters is still a page.
    pub fn set(&mut self, name: &str, value: &str) {
        match name {
            "sort" => self.sort = Sort::named(value).unwrap_or(self.sort),
            "search" => self.search = Search::of(value),
            "order" => self.reverse = value == "reverse",
            "show" => {
                let found = Filter::ALL.into_iter().find(|filter| filter.name() == value);
                self.filter = found.unwrap_or(self.filter);
            }
            "offset" => self.offset = value.parse().unwrap_or(self.offset),
            "count" if value == "all" => self.count = HOSTS_LISTED_MAX,
            "count" => self.count = value.parse().unwrap_or(self.count).clamp(1, HOSTS_LISTED_MAX),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::{address, empty};
    use crate::view::{HostsView, NotFound};

    #[test]
    fn what_no_router_passes_on_is_local() {
        for text in ["224.0.0.251", "255.255.255.255", "169.254.1.1", "ff02::fb", "fe80::1"] {
            let row = HostRow { address: address(text), ..HostRow::default() };
            assert!(Filter::Local.admits(&row) && !Filter::Remote.admits(&row), "{text}");
        }
        let row = HostRow { address: address("9.9.9.9"), ..HostRow::default() };
        assert!(!Filter::Local.admits(&row) && Filter::Remote.admits(&row));
    }

    #[test]
    fn a_search_is_bounded_and_knows_no_case() {
        for (text, found) in [("", true), ("  ", true), ("PHONE", true), ("e.L", true), ("phones", false)] {
            assert_eq!(Search::of(text).is_in("Anna-Phone.lan"), found, "{text}");
        }
        assert!(Search::of("é").is_in("café") && !Search::of("x").is_in(""));
        for text in ["x".repeat(1_000), "é".repeat(1_000), "a\0\u{1f980}".repeat(99)] {
            let search = Search::of(&text);
            assert!(text.starts_with(search.text()) && search.text().len() > SEARCH_BYTES_MAX - 4);
            assert!(search.is_in(&text) && !search.is_in("short"));
        }
    }

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
        let expected = HostsQuery {
            sort: Sort::Received,
            reverse: true,
            filter: Filter::Local,
            search: Search::default(),
            offset,
            count: 1,
        };
        assert_eq!(query, expected);
        query.set("count", "1000000");
        assert_eq!(query.count, HOSTS_LISTED_MAX);
        query.set("count", "7");
        query.set("count", "all");
        assert_eq!(query.count, HOSTS_LISTED_MAX);
        let mut view = HostsView::with_capacity(0, 0);
        view.copy(&empty("x", 4, 4), None, query).unwrap();
        assert!(view.rows().is_empty());
        assert_eq!(view.copy(&empty("x", 4, 4), Some("y"), query), Err(NotFound));
    }
}
