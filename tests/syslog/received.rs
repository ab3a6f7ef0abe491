//! What real servers understood of the messages, read from the files that they wrote.

use duskwatch::daemon::alarm::Format;

use super::message::{Message, Values, parse_cef, parse_json, parse_values};
use super::servers::Kind;

/// The file in which the documented configurations put messages of this format.
pub fn ending(format: Format) -> &'static str {
    match format {
        Format::Rfc5424 | Format::Rfc3164 => "log",
        Format::Cef => "cef",
        Format::Ecs => "json",
    }
}

pub fn numbers(kind: Kind, lines: &[String]) -> Vec<usize> {
    let number = |line: &String| received(kind, Format::Rfc5424, line)[1].parse().unwrap();
    lines.iter().map(number).collect()
}

/// What a server understood: the message's type, its number, the source and the destination port.
pub fn received(kind: Kind, format: Format, line: &str) -> [String; 4] {
    let of =
        |values: &Values, names: [&str; 4]| names.map(|name| values.get(name).cloned().unwrap_or_default());
    match (kind, format) {
        (_, Format::Cef) => of(&parse_cef(line.as_bytes()), ["id", "externalId", "src", "dpt"]),
        (Kind::Rsyslog, Format::Rfc5424) => {
            let Message { id, number, values, .. } = Message::parse(line.as_bytes());
            let [_, _, source, port] = of(&values, ["", "", "src", "dest_port"]);
            [id, number.to_string(), source, port]
        }
        (Kind::Rsyslog, Format::Rfc3164) => {
            // As rsyslog writes what it understood: a header of RFC 5424.
            let fields: Vec<&str> = line.splitn(8, ' ').collect();
            let [_, _, _, program, process_id, "-", "-", text] = fields[..] else { panic!("{line}") };
            assert_eq!((program, process_id), ("duskwatch", std::process::id().to_string().as_str()));
            of(&parse_values(text.trim_start()), ["msgid", "sequence", "src", "dest_port"])
        }
        (Kind::Rsyslog, Format::Ecs) => {
            of(&parse_json(line), ["event.code", "event.sequence", "source.ip", "destination.port"])
        }
        (Kind::SyslogNg, _) => {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            let places = match format {
                Format::Rfc5424 => ["/MSGID", "/_SDATA/meta/sequenceId", "/dark/src", "/dark/dest_port"],
                Format::Rfc3164 => ["/dark/msgid", "/dark/sequence", "/dark/src", "/dark/dest_port"],
                _ => ["/event/code", "/event/sequence", "/source/ip", "/destination/port"],
            };
            let text = |place| json.pointer(place).and_then(|value| value.as_str()).unwrap_or_default();
            places.map(|place| text(place).to_owned())
        }
    }
}
