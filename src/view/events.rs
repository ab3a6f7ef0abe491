//! Events of the dark, in a table and in JSON.

use super::Context;
use super::books::Header;
use super::darknet::interface_name;
use super::html::Html;
use super::json::{Json, Text, Value};
use super::languages::Phrase;
use super::page::{Page, Place};
use super::services;
use super::units::Grouped;
use crate::darknet::rules::Rule;
use crate::darknet::{Event, Kind, Pattern, Tool};
use crate::limits::TOP_SHOWN;
use crate::time::Timestamp;

/// Brings events into the order of their times. They are told in another: a hit counts packets for a while, and has the
/// time of the last.
pub(super) fn sort(events: &mut [Event]) {
    sort_by(events, |event| event.last);
}

/// Brings rows into the order of their times; those of one time keep theirs. It is short, and there are few.
fn sort_by<T>(rows: &mut [T], time: fn(&T) -> Timestamp) {
    for index in 1..rows.len() {
        let place = rows[..index].partition_point(|other| time(other) <= time(&rows[index]));
        rows[place..=index].rotate_right(1);
    }
}

/// The last of some events of one source that have one name, and how many they are.
#[derive(Clone, Copy)]
pub(super) struct Alike {
    pub(super) event: Event,
    times: usize,
}

impl Alike {
    /// An event of which there is one.
    pub(super) fn once(event: &Event) -> Self {
        Self { event: *event, times: 1 }
    }
}

/// The last events, those that are alike as one, oldest first: who knocks at one door all day leaves room for others.
pub(super) fn fold<'a>(
    events: impl DoubleEndedIterator<Item = &'a Event>,
    rules: &[Rule],
) -> heapless::Vec<Alike, TOP_SHOWN> {
    let mut folded: heapless::Vec<Alike, TOP_SHOWN> = heapless::Vec::new();
    for event in events.rev() {
        let key = |event: &Event| (event.source, event.kind, event.name(rules));
        let is_alike = |other: &&mut Alike| key(&other.event) == key(event);
        if let Some(alike) = folded.iter_mut().find(is_alike) {
            alike.times += 1;
            if event.last > alike.event.last {
                alike.event = *event;
            }
        } else {
            // When the list is full there is no room for what is older.
            let _ = folded.push(Alike::once(event));
        }
    }
    folded.reverse();
    sort_by(&mut folded, |alike| alike.event.last);
    folded
}

/// Writes events as a table, the last one first.
pub(super) fn events_table(
    html: &mut Html,
    page: &Page,
    rules: &[Rule],
    events: &mut dyn DoubleEndedIterator<Item = Alike>,
    sources: bool,
) {
    html.markup("<table>\n<caption>{Last events in the dark}</caption>\n<thead><tr>");
    html.markup("<th scope=\"col\">{Time}</th>");
    html.markup(if sources { "<th scope=\"col\">{Source}</th>" } else { "" });
    html.markup("<th scope=\"col\">{Event}</th></tr></thead>\n<tbody>\n");
    let mut is_empty = true;
    for Alike { event, times } in events.rev() {
        is_empty = false;
        html.markup("<tr><td class=\"time\">");
        page.ago(html, event.last.seconds as i64);
        if sources {
            html.markup("</td><td>");
            let name = page.context.names.name_at(event.source, event.last, event.source_mac);
            page.link_to(html, Place::Darknet, event.source, name);
        }
        html.markup("</td><td class=\"event\">");
        match event.kind {
            Kind::Alert => {
                html.markup("<strong>{Alert}: ");
                event_name(html, rules, &event);
                html.markup("</strong>");
            }
            Kind::Hit | Kind::Notice | Kind::Clear => event_name(html, rules, &event),
        };
        if times > 1 {
            html.markup(", ").phrase("% times", &[&Grouped(times as u64)]);
        }
        html.markup("<br><small>");
        event_sentence(html, &event);
        html.markup("</small></td></tr>\n");
    }
    if is_empty {
        html.markup("<tr class=\"rest\"><td colspan=\"").text(if sources { 3 } else { 2 });
        html.markup("\">{None remembered}</td></tr>\n");
    }
    html.markup("</tbody>\n</table>\n");
}

/// Writes an event's name: that of a rule as its author has it, ours in the reader's language.
pub(super) fn event_name(html: &mut Html, rules: &[Rule], event: &Event) {
    match event.rule_of(rules) {
        Some(rule) => html.text(&rule.name),
        None => html.say(Phrase(event.signature())),
    };
}

/// Writes why an event was raised in the reader's language.
pub(super) fn event_sentence(html: &mut Html, event: &Event) {
    event.tell(&mut |phrase, values| _ = html.phrase(phrase, values));
}

/// Writes events as a field.
pub(super) fn write_events(
    json: &mut Json,
    header: &Header,
    context: &Context,
    rules: &[Rule],
    events: &[Event],
) {
    json.key("events").array(|json| {
        for event in events {
            json.object(|json| write_event(json, header, context, rules, event));
        }
    });
}

/// Writes an event's fields into an object.
pub(super) fn write_event(
    json: &mut Json,
    header: &Header,
    context: &Context,
    rules: &[Rule],
    event: &Event,
) {
    json.field("kind", event.kind.name());
    json.field("time", event.last);
    json.field("first", event.first);
    json.field("interface", interface_name(header, event.interface));
    json.field("source", event.source);
    json.field("source_mac", context.mac(event.source_mac).map(Text));
    json.field("destination", event.destination);
    json.field("port", event.ports.map(|(_, destination)| destination));
    json.field("carrier", event.carrier.name());
    json.field("protocol", event.transport());
    json.field("protocol_name", event.transport().map(services::protocol));
    json.field("signal", event.signal.name());
    json.field("signature", event.name(rules));
    json.field("sid", event.rule_of(rules).map(|rule| rule.sid));
    json.field("category", event.category.name());
    json.field("pattern", event.pattern.map(Pattern::name));
    json.field("tool", event.tool.map(Tool::name));
    json.field("dark_targets", event.dark_targets);
    json.field("packets", event.packets);
    json.field("bytes", event.bytes);
    json.key("why");
    Text(event).write(json);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Address;
    use crate::view::samples::dark;

    #[test]
    fn events_are_in_the_order_of_their_times() {
        let event = *dark(1).darknet().recent().next().unwrap();
        let at = |(seconds, packets): (u64, u64)| Event {
            last: Timestamp::from_seconds(seconds),
            packets,
            ..event
        };
        let mut events = [(5, 1), (7, 2), (3, 3), (5, 4), (7, 5), (1, 6)].map(at);
        sort(&mut events);
        assert_eq!(events, [(1, 6), (3, 3), (5, 1), (5, 4), (7, 2), (7, 5)].map(at));
        sort(&mut []);
    }

    #[test]
    fn events_that_are_alike_are_one() {
        let sample = *dark(1).darknet().recent().next().unwrap();
        let at = |(source, kind, seconds): (u32, Kind, u64)| Event {
            source: Address::v4(source),
            kind,
            last: Timestamp::from_seconds(seconds),
            ..sample
        };
        let fold = |events: &[Event]| -> Vec<(Event, usize)> {
            fold(events.iter(), &[]).iter().map(|alike| (alike.event, alike.times)).collect()
        };
        let knocking = [
            (1, Kind::Hit, 10),
            (2, Kind::Hit, 30),
            (1, Kind::Hit, 40),
            (1, Kind::Alert, 20),
            (1, Kind::Hit, 35),
        ];
        let expected = [((1, Kind::Alert, 20), 1), ((2, Kind::Hit, 30), 1), ((1, Kind::Hit, 40), 3)];
        assert_eq!(fold(&knocking.map(at)), expected.map(|(event, times)| (at(event), times)));
        // Of more than there is room for the oldest are left out, and of those that are shown none.
        let many: Vec<Event> = (0..64).map(|n| at((n % 16, Kind::Hit, n.into()))).collect();
        let last = (54..64).map(|n| (at((n % 16, Kind::Hit, n.into())), 4));
        assert_eq!(fold(&many), last.collect::<Vec<_>>());
        assert!(fold(&[]).is_empty());
    }
}
