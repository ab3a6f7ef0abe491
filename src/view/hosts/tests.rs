use super::*;
use core::cell::Cell;

use crate::time::Timestamp;

use crate::view::samples::{EvilNames, seeded};
use crate::view::{Books, NoNames};

fn context(names: &dyn NameSource) -> Context<'_> {
    Context { names, ..Context::at(Timestamp::from_seconds(1_700_050_300)) }
}

/// Every other host has a name, and some share one. A name is not always the same.
struct SomeNames(Cell<u32>);

impl NameSource for SomeNames {
    fn name(&self, address: Address, _: Mac) -> Option<HostName> {
        self.0.set(self.0.get() + 1);
        let number = address.low as u32 % 97;
        let names = ["b", "B", "a", "É", "<img src=x onerror=alert(1)>", "\u{202e}\0", "zz", "%00&search="];
        number.is_multiple_of(2).then(|| names[(number + self.0.get()) as usize / 2 % 8].try_into().unwrap())
    }
}

#[test]
fn hosts_are_in_the_order_of_names_that_change_meanwhile() {
    let monitor = seeded("br-lan", 1_024, 64, 5_000, 300);
    let count = usize::from(monitor.ledgers()[0].hosts_used().0);
    let names = SomeNames(Cell::new(0));
    let mut view = HostsView::with_capacity(1_024, 1_024);
    for reverse in [false, true] {
        let query = HostsQuery { sort: Sort::Name, reverse, count, ..HostsQuery::default() };
        view.collect(&monitor, None).unwrap();
        names.0.set(0);
        view.choose(&query, &names, Hidden::default());
        assert_eq!(names.0.get() as usize, count, "each is asked for once");
        view.copy(&monitor, None, query).unwrap();
        assert_eq!(view.rows().len(), count);
        // The names that they had when they were asked for.
        let place = |row: &HostRow| {
            let bits = row.address.bits();
            let index = view.chosen.binary_search_by_key(&bits, |rank| rank.address.bits()).unwrap();
            view.chosen[index].key
        };
        assert!(view.rows().is_sorted_by_key(|row| if reverse { !place(row) } else { place(row) }));
    }
    let ordered = ["\0", "%", "<", "A", "a", "b", "B1", "é", ""];
    assert!(ordered.is_sorted_by(|one, next| by_name(one, next) != Ordering::Greater));
}

#[test]
fn hosts_are_found_by_name_address_or_mac() {
    let monitor = seeded("br-lan", 1_024, 64, 5_000, 300);
    let found = |text: &str, hidden: Hidden| {
        let query = HostsQuery { search: Search::of(text), ..HostsQuery::default() };
        let mut view = HostsView::with_capacity(1_024, 100);
        view.collect(&monitor, None).unwrap();
        view.choose(&query, &EvilNames, hidden);
        view.copy(&monitor, None, query).unwrap();
        let shown: u64 = view.rows().iter().map(|row| row.host.total().both().bytes).sum();
        let beside = view.others.traffic.both() + view.header.books.evicted.traffic.both();
        assert_eq!(shown + beside.bytes, 2 * view.header.books.totals.total().bytes);
        let mut out = alloc::string::String::new();
        view.write_html(&mut out, &context(&EvilNames)).unwrap();
        assert!(!out.contains("<img src=x"), "{text}");
        view.matching
    };
    let all = usize::from(monitor.ledgers()[0].hosts_used().0);
    let open = Hidden::default();
    assert_eq!((found("", open), found("192.168.1.5", open), found("192.168.1.", open)), (all, 1, 13));
    assert_eq!((found("OnError", open), found("<IMG src=x", open), found("no such", open)), (all, all, 0));
    assert_eq!((found("02:00:00:00:00:0A", open), found(&"w".repeat(500), open)), (1, 0));
    assert_eq!(found("02:00:00:00:00:0a", Hidden { macs: true, ..open }), 0);
    let v6 = found("2001:DB8:", open);
    assert!(v6 > 0 && v6 < all);
}

/// All hosts by pages of `count`.
fn pages(monitor: &Monitor, query: HostsQuery) -> Vec<HostRow> {
    let mut view = HostsView::with_capacity(1_024, 100);
    let mut rows = Vec::new();
    loop {
        let query = HostsQuery { offset: rows.len(), ..query };
        if query.needs_names() {
            view.collect(monitor, None).unwrap();
            view.choose(&query, &NoNames, Hidden::default());
        }
        view.copy(monitor, None, query).unwrap();
        if view.rows().is_empty() {
            assert_eq!(view.matching, rows.len());
            return rows;
        }
        assert!(view.rows().len() <= query.count);
        rows.extend_from_slice(view.rows());
    }
}

#[test]
fn pages_put_together_are_all_hosts_in_order() {
    let monitor = seeded("br-lan", 1_024, 1_024, 5_000, 300);
    let mut expected: Vec<HostRow> = HostRow::all(&monitor.ledgers()[0], Sort::default()).collect();
    for sort in Sort::ALL {
        for reverse in [false, true] {
            expected.sort_by_key(|row| row.address.bits());
            let value = |row: &HostRow| match sort {
                Sort::Total => row.host.total().both().bytes.into(),
                Sort::Received => row.host.total().received.bytes.into(),
                Sort::Sent => row.host.total().sent.bytes.into(),
                Sort::Packets => row.host.total().both().packets.into(),
                Sort::Now => (row.lately.rate.received + row.lately.rate.sent).into(),
                Sort::Today => row.lately.today.iter().sum::<u64>().into(),
                // Nobody has a name here.
                Sort::Name | Sort::Address => !row.address.bits(),
                Sort::First => row.host.first_seen.into(),
                Sort::Last => row.host.last_seen.into(),
            };
            expected.sort_by(|one, next| {
                let order = value(next).cmp(&value(one));
                if reverse { order.reverse() } else { order }
            });
            for count in [1, 7, 100] {
                let query = HostsQuery { sort, reverse, count, ..HostsQuery::default() };
                assert_eq!(pages(&monitor, query), expected, "{sort:?} {reverse} {count}");
            }
        }
    }
    let with = |filter| pages(&monitor, HostsQuery { filter, ..HostsQuery::default() });
    assert!(with(Filter::Local).iter().all(HostRow::is_local));
    assert_eq!(with(Filter::Local).len() + with(Filter::Remote).len(), expected.len());
    assert_eq!(with(Filter::V4).len() + with(Filter::V6).len(), expected.len());
}

#[test]
fn no_heading_leads_to_an_order_by_what_is_hidden() {
    let monitor = seeded("br-lan", 64, 64, 500, 30);
    let mut view = HostsView::with_capacity(64, 10);
    view.copy(&monitor, None, HostsQuery::default()).unwrap();
    for last_seen in [false, true] {
        let hidden = Hidden { last_seen, ..Hidden::default() };
        let mut out = alloc::string::String::new();
        view.write_html(&mut out, &Context { hidden, ..context(&NoNames) }).unwrap();
        assert!(out.contains("?sort=first&amp;") && out.contains("Last seen"), "{out}");
        assert_eq!(out.contains("?sort=last&amp;"), !last_seen, "{out}");
    }
}

#[test]
fn a_page_and_what_is_beside_it_are_the_total() {
    let monitor = seeded("br-lan", 64, 64, 5_000, 300);
    let mut view = HostsView::with_capacity(64, 10);
    for filter in Filter::ALL {
        view.copy(&monitor, None, HostsQuery { filter, offset: 3, ..HostsQuery::default() }).unwrap();
        assert_eq!(view.rows().len(), view.matching.saturating_sub(3).min(10));
        let Books { evicted, totals, .. } = &*view.header.books;
        assert!(evicted.hosts > 0);
        let mut sum = view.others.traffic;
        sum += evicted.traffic;
        view.rows().iter().for_each(|row| sum += row.host.total());
        assert_eq!((sum.sent, sum.received), (totals.total(), totals.total()));
    }
}
