//! Events of the dark, in a table and in JSON.

use super::Context;
use super::books::Header;
use super::darknet::interface_name;
use super::html::Html;
use super::json::{Json, Text, Value};
use super::languages::Phrase;
use super::page::{Page, Place};
use super::services;
use crate::darknet::rules::Rule;
use crate::darknet::{Event, Kind, Pattern, Tool};

/// Brings events into the order of their times. They are told in another: a hit counts packets for a while, and has the
/// time of the last.
pub(super) fn sort(events: &mut [Event]) {
    for index in 1..events.len() {
        let (before, event) = (&events[..index], &events[index]);
        let place = before.partition_point(|other| other.last <= event.last);
        events[place..=index].rotate_right(1);
    }
}

/// Writes events as a table, the last one first.
pub(super) fn events_table(html: &mut Html, page: &Page, rules: &[Rule], events: &[Event], sources: bool) {
    html.markup("<table>\n<caption>{Last events in the dark}</caption>\n<thead><tr>");
    html.markup("<th scope=\"col\">{Time}</th>");
    html.markup(if sources { "<th scope=\"col\">{Source}</th>" } else { "" });
    html.markup("<th scope=\"col\">{Event}</th></tr></thead>\n<tbody>\n");
    for event in events.iter().rev() {
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
                event_name(html, rules, event);
                html.markup("</strong>");
            }
            Kind::Hit | Kind::Notice | Kind::Clear => event_name(html, rules, event),
        };
        html.markup("<br><small>");
        event_sentence(html, event);
        html.markup("</small></td></tr>\n");
    }
    if events.is_empty() {
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
