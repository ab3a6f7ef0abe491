//! Transmission of a scenario at a steady rate.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use crate::packet_socket::PacketSocket;
use crate::scenarios::{Encoder, Packet, Packets};

/// Frames that one system call sends at most.
const BATCH: usize = 64;

/// How long a sender that is behind its rate goes on after its time is up, before it gives up.
const GRACE: Duration = Duration::from_millis(250);

/// How large the frames on the wire are, without the frame check sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSize {
    /// As the scenario has them.
    Scenario,
    /// All of this length, or the nearest that the headers allow: ARP has 60 bytes, and a frame with
    /// IPv6 has 62 (UDP) or 74 (TCP) at least.
    Fixed(u32),
    /// The simple Internet mix: seven of 60 bytes, four of 590 and one of 1,514.
    Imix,
}

impl FrameSize {
    fn apply(self, packet: &mut Packet, number: u64) {
        match self {
            Self::Scenario => {}
            Self::Fixed(length) => packet.resize(length),
            Self::Imix => packet.resize(match number % 12 {
                0 | 2 | 4 | 6 | 8 | 10 | 11 => 60,
                1 | 3 | 7 | 9 => 590,
                _ => 1_514,
            }),
        }
    }
}

impl FromStr for FrameSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse()) {
            ("imix", _) => Ok(Self::Imix),
            (_, Ok(length @ 60..=1514)) => Ok(Self::Fixed(length)),
            _ => Err("takes imix or a number from 60 to 1514".to_owned()),
        }
    }
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Frames that the kernel took.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How often the device's queue was full and a batch had to wait.
    pub full: u64,
    /// How long it took.
    pub seconds: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { frames, bytes, full, seconds } = *self;
        let rate = frames as f64 / seconds;
        let megabits = bytes as f64 * 8.0 / seconds / 1e6;
        write!(f, "sent {frames} frames, {bytes} bytes in {seconds:.3} s: ")?;
        write!(f, "{rate:.0} frames/s, {megabits:.1} Mbit/s; device queue full {full} times")
    }
}

/// Sends packets on an interface, `per_second` of them on average and for `seconds`. After a pause that
/// was not its own the sender catches up. It sends `per_second` * `seconds` frames, or fewer if the
/// machine cannot keep the rate or the packets come to an end.
pub fn send(
    packets: Packets,
    interface: &str,
    size: FrameSize,
    per_second: u32,
    seconds: f64,
) -> io::Result<Report> {
    let socket = PacketSocket::open(interface)?;
    let total = (f64::from(per_second) * seconds).round() as u64;
    let limit = Duration::from_secs_f64(seconds);
    let mut packets = packets.take(usize::try_from(total).unwrap_or(usize::MAX));
    let mut encoder = Encoder::new();
    let mut batch = vec![Vec::new(); BATCH];
    let mut report = Report::default();
    let mut prepared = 0;
    let start = Instant::now();
    while start.elapsed() < limit + GRACE {
        let due = frames_due(start.elapsed(), per_second, total);
        let mut count = 0;
        while count < BATCH && prepared < due {
            let Some(mut packet) = packets.next() else { break };
            size.apply(&mut packet, prepared);
            batch[count].clear();
            batch[count].extend_from_slice(encoder.encode(&packet));
            prepared += 1;
            count += 1;
        }
        send_all(&socket, &batch[..count], &mut report)?;
        if prepared == total || (count == 0 && prepared < due) {
            break;
        }
        if count < BATCH {
            wait_for_next(start, prepared, per_second);
        }
    }
    // The last frame stands for a slot of time of its own: without it the rate would come out too high.
    if report.frames == total {
        thread::sleep(limit.saturating_sub(start.elapsed()));
    }
    report.seconds = start.elapsed().as_secs_f64();
    Ok(report)
}

/// How many frames should be out by now: the first at once, the rest evenly.
fn frames_due(elapsed: Duration, per_second: u32, total: u64) -> u64 {
    let due = elapsed.as_nanos() * u128::from(per_second) / 1_000_000_000;
    u64::try_from(due).unwrap_or(u64::MAX).saturating_add(1).min(total)
}

fn send_all(socket: &PacketSocket, mut frames: &[Vec<u8>], report: &mut Report) -> io::Result<()> {
    while !frames.is_empty() {
        match socket.send(frames) {
            Ok(count) => {
                report.frames += count as u64;
                report.bytes += frames[..count].iter().map(|frame| frame.len() as u64).sum::<u64>();
                frames = &frames[count..];
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                report.full += 1;
                thread::sleep(Duration::from_micros(100));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sleeps until the next frame is due. The kernel adds some 50 microseconds to any sleep, so that at
/// high rates a few frames go out together; a busy wait would take a processor from the receiver.
fn wait_for_next(start: Instant, prepared: u64, per_second: u32) {
    let due = Duration::from_nanos((u128::from(prepared) * 1_000_000_000 / u128::from(per_second)) as u64);
    thread::sleep(due.saturating_sub(start.elapsed()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::{Options, Scenario};

    #[test]
    fn frames_fall_due_evenly_and_never_too_many() {
        assert_eq!(frames_due(Duration::ZERO, 1_000, 10), 1);
        assert_eq!(frames_due(Duration::from_millis(5), 1_000, 10), 6);
        assert_eq!(frames_due(Duration::from_secs(5), 1_000, 10), 10);
    }

    #[test]
    fn sizes_are_kept_where_the_headers_fit() {
        let options = Options { packets: 1_200, ..Options::default() };
        let sizes = |size: FrameSize| -> Vec<u32> {
            let resize = |(number, mut packet)| {
                size.apply(&mut packet, number);
                packet.wire_length()
            };
            (0..).zip(Scenario::Flood.packets(&options)).map(resize).collect()
        };
        for length in [60, 61, 590, 1_514] {
            assert!(sizes(FrameSize::Fixed(length)).iter().all(|wire| *wire == length), "{length}");
        }
        let imix = sizes(FrameSize::Imix);
        let count = |length| imix.iter().filter(|wire| **wire == length).count();
        assert_eq!((count(60), count(590), count(1_514)), (700, 400, 100));
    }

    #[test]
    fn an_interface_that_does_not_exist_is_an_error() {
        let packets = Scenario::Flood.packets(&Options::default());
        assert!(send(packets, "no-such-device0", FrameSize::Imix, 1, 1.0).is_err());
    }
}
