//! One connection: a head arrives, a response leaves, and again, each within its time.
//!
//! The connection moves bytes and keeps the time; it knows neither the handler nor the other
//! connections. Time is an argument.

use std::cmp::Reverse;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::net::sockopt;

use super::response::{Page, Parts};
use super::upload::Upload;
use crate::limits::{
    WEB_HEAD_BYTES_MAX, WEB_HEAD_TIME, WEB_IDLE_TIME, WEB_LINGER_BYTES_MAX, WEB_LINGER_TIME,
    WEB_REQUESTS_PER_CONNECTION_MAX, WEB_RESPONSE_TIME, WEB_STALL_TIME, WEB_UPLOAD_TIME,
};

/// What a turn of a connection led to.
pub(super) enum Outcome {
    /// Nothing to do until the socket is ready again.
    Waiting,
    /// Bytes of a head have arrived that nobody has looked at.
    Received,
    /// The response is out; here is its page back.
    Answered(Page),
    /// The connection is over.
    Ended,
}

/// What a connection is doing.
enum State {
    /// The last response is out; reading until the client closes, so that it gets to read it.
    Lingering { discarded: usize },
    /// A head is awaited or arriving. `unexamined`: bytes of a pipelined request are there already.
    Reading { unexamined: bool },
    /// A file is arriving behind a head.
    Uploading { began: Instant },
    /// A whole request is there. `place`: when it joined the queue, or last stood back in it; a time to
    /// come if its answer must wait until then.
    Waiting { place: Instant },
    /// A response is leaving, or one part of a download, whose others are `parts`.
    Writing { page: Page, parts: Option<Parts>, started: Instant, keep_alive: bool },
}

/// The order in which connections are given up for new ones.
pub(super) type Rank = (Reverse<bool>, Reverse<usize>, u8, Duration);

/// An accepted connection and its head buffer.
pub(super) struct Connection {
    stream: TcpStream,
    peer: IpAddr,
    /// Which of all connections accepted it is.
    number: u64,
    /// Connections of the same address, this one included.
    share: usize,
    state: State,
    /// When the state began, or when it last made progress: accepted, first byte of a head, last
    /// byte taken of a response.
    since: Instant,
    requests: u32,
    received: usize,
    /// How many of them a head and its form have; zero while a head is awaited.
    wanted: usize,
    /// The file that came with the request.
    upload: Option<Upload>,
    head: Vec<u8>,
}

impl Connection {
    /// A connection just accepted, with a buffer for heads that another may have had; the stream must be
    /// non-blocking.
    pub(super) fn new(stream: TcpStream, peer: IpAddr, number: u64, mut head: Vec<u8>, now: Instant) -> Self {
        let state = State::Reading { unexamined: false };
        head.clear();
        head.resize(WEB_HEAD_BYTES_MAX, 0);
        Self {
            stream,
            peer,
            number,
            share: 1,
            state,
            since: now,
            requests: 0,
            received: 0,
            wanted: 0,
            upload: None,
            head,
        }
    }

    /// Which of all connections accepted it is.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The client's address.
    pub(super) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// Takes note of how many connections its address has, this one included.
    pub(super) fn set_share(&mut self, share: usize) {
        self.share = share;
    }

    /// The socket, and what to wait for on it.
    pub(super) fn interest(&self) -> (&TcpStream, PollFlags) {
        let flags = match self.state {
            // There is work in the buffer: a socket that can be written to is ready at once.
            State::Reading { unexamined: true } => PollFlags::IN | PollFlags::OUT,
            State::Lingering { .. } | State::Reading { .. } | State::Uploading { .. } => PollFlags::IN,
            // The system reports a broken connection even so.
            State::Waiting { .. } => PollFlags::empty(),
            State::Writing { .. } => PollFlags::OUT,
        };
        (&self.stream, flags)
    }

    /// Orders connections by who is closed first when there is no room. First come those that only
    /// linger, then those of the address that has most: unfinished heads and idle ones, then responses that
    /// stall, in each group the oldest, and at last the newest of those that wait for an answer. `None`
    /// for those that stay: the only one of its address if it is its turn to be answered, or if it has come or moved
    /// this very turn and so had no chance yet. A login that waits for others does not stay, or whoever has many
    /// addresses could keep everybody out.
    pub(super) fn rank(&self, now: Instant) -> Option<Rank> {
        let age = now.saturating_duration_since(self.since);
        let oldest_first = Duration::MAX - age;
        let (lingers, group, order) = match self.state {
            State::Lingering { .. } => (Reverse(true), 0, oldest_first),
            State::Reading { .. } | State::Uploading { .. } => (Reverse(false), 1, oldest_first),
            State::Writing { .. } => (Reverse(false), 2, oldest_first),
            State::Waiting { .. } => (Reverse(false), 3, age),
        };
        let is_due = self.place().is_some_and(|(due, _)| due <= now);
        let stays = self.share == 1 && (is_due || age.is_zero());
        (!stays).then_some((lingers, Reverse(self.share), group, order))
    }

    /// The place in the queue for an answer: the least is next. `None` if nothing has been asked.
    pub(super) fn place(&self) -> Option<(Instant, Instant)> {
        match self.state {
            State::Waiting { place } => Some((place, self.since)),
            _ => None,
        }
    }

    /// Joins the queue for an answer to the request that has been received.
    pub(super) fn wait(&mut self, now: Instant) {
        self.state = State::Waiting { place: now };
        self.since = now;
    }

    /// Goes behind all others that wait, or that will until that time: another connection of its address is
    /// being answered, or its own answer is not ready.
    pub(super) fn stand_back(&mut self, until: Instant) {
        if let State::Waiting { place } = &mut self.state {
            *place = until.max(*place);
        }
    }

    /// How many bytes a head and its form have together that are awaited; zero while a head is.
    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// Reads on until so many bytes are there, a head and its form, which has as much time as a head.
    pub(super) fn await_form(&mut self, wanted: usize, now: Instant) {
        self.wanted = wanted.min(self.head.len());
        self.state = State::Reading { unexamined: false };
        self.since = now;
    }

    /// Reads on until the file is there that follows the first `head_length` bytes. It is the last request of
    /// the connection.
    pub(super) fn await_upload(&mut self, mut upload: Upload, head_length: usize, now: Instant) {
        upload.take(self.head.get(head_length..self.received).unwrap_or_default());
        self.received = head_length.min(self.received);
        let is_whole = upload.missing() == 0;
        self.upload = Some(upload);
        self.state = State::Uploading { began: now };
        self.since = now;
        if is_whole {
            self.wait(now);
        }
    }

    /// The file that came with the request, once all of it is there.
    pub(super) fn upload(&self) -> Option<&Upload> {
        self.upload.as_ref()
    }

    /// Since when a response has been leaving in a page that others wait for.
    pub(super) fn page_since(&self) -> Option<Instant> {
        match &self.state {
            State::Writing { page, started, .. } if !page.is_for_parts() => Some(*started),
            _ => None,
        }
    }

    /// Since when the present part of a download has been leaving.
    pub(super) fn part_since(&self) -> Option<Instant> {
        match &self.state {
            State::Writing { page, started, .. } if page.is_for_parts() => Some(*started),
            _ => None,
        }
    }

    /// Since when a response has been leaving, or the present part of a download.
    pub(super) fn writing_since(&self) -> Option<Instant> {
        match self.state {
            State::Writing { started, .. } => Some(started),
            _ => None,
        }
    }

    /// True while the connection is only kept until the client has read the last response.
    pub(super) fn is_lingering(&self) -> bool {
        matches!(self.state, State::Lingering { .. })
    }

    /// True if the client owes the rest of a request that it has begun.
    pub(super) fn owes_rest(&self) -> bool {
        matches!(self.state, State::Reading { .. } | State::Uploading { .. }) && self.received > 0
    }

    /// When patience ends.
    pub(super) fn deadline(&self) -> Instant {
        match &self.state {
            State::Lingering { .. } => self.since + WEB_LINGER_TIME,
            State::Reading { .. } if self.requests == 0 || self.received > 0 => self.since + WEB_HEAD_TIME,
            State::Reading { .. } => self.since + WEB_IDLE_TIME,
            State::Uploading { began } => (self.since + WEB_STALL_TIME).min(*began + WEB_UPLOAD_TIME),
            State::Waiting { .. } => self.since + WEB_RESPONSE_TIME,
            State::Writing { started, .. } => (self.since + WEB_STALL_TIME).min(*started + WEB_RESPONSE_TIME),
        }
    }

    /// The bytes received and not yet answered.
    pub(super) fn received(&self) -> &[u8] {
        &self.head[..self.received]
    }

    /// True if another request may follow the one being answered.
    pub(super) fn may_continue(&self) -> bool {
        self.requests + 1 < WEB_REQUESTS_PER_CONNECTION_MAX
    }

    /// Starts to send a response to the first `head_length` bytes received: a page, and then the parts of a
    /// download if it is one. The response ends the connection unless `keep_alive`.
    pub(super) fn answer(
        &mut self,
        page: Page,
        parts: Option<Parts>,
        head_length: usize,
        keep_alive: bool,
        now: Instant,
    ) {
        self.head.copy_within(head_length.min(self.received)..self.received, 0);
        self.received = self.received.saturating_sub(head_length);
        self.wanted = 0;
        self.upload = None;
        self.requests += 1;
        self.since = now;
        self.state = State::Writing { page, parts, started: now, keep_alive };
    }

    /// Does what the socket is ready for.
    pub(super) fn proceed(&mut self, now: Instant) -> Outcome {
        match &mut self.state {
            State::Lingering { .. } => self.discard(),
            State::Reading { unexamined: true } => {
                self.state = State::Reading { unexamined: false };
                Outcome::Received
            }
            State::Reading { .. } => self.receive(now),
            State::Uploading { .. } => self.receive_upload(now),
            // Nothing was asked of the system, so it can only be the end.
            State::Waiting { .. } => Outcome::Ended,
            State::Writing { .. } => self.send(now),
        }
    }

    /// Ends the connection so that the kernel forgets at once what the client has not read, which
    /// would otherwise stay in its memory for minutes. The caller drops the connection.
    pub(super) fn reset(&self) {
        // It fails only on what is no socket.
        let _ = sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
    }

    /// Gives the buffer back, and the page if a response is on its way.
    pub(super) fn into_parts(self) -> (Vec<u8>, Option<Page>) {
        match self.state {
            State::Writing { page, .. } => (self.head, Some(page)),
            _ => (self.head, None),
        }
    }

    fn receive(&mut self, now: Instant) -> Outcome {
        match self.stream.read(&mut self.head[self.received..]) {
            Ok(0) => Outcome::Ended,
            Ok(length) => {
                // The time for a head on a connection that was idle begins with its first byte.
                if self.received == 0 && self.requests > 0 {
                    self.since = now;
                }
                self.received += length;
                Outcome::Received
            }
            Err(error) => outcome_of(&error),
        }
    }

    fn receive_upload(&mut self, now: Instant) -> Outcome {
        let Some(upload) = &mut self.upload else { return Outcome::Ended };
        // The head stays where it is; each part of the file comes into the room behind it.
        let room = usize::try_from(upload.missing()).unwrap_or(usize::MAX);
        let free = self.head.get_mut(self.received..).unwrap_or_default();
        let room = room.min(free.len());
        match self.stream.read(&mut free[..room]) {
            Ok(0) => Outcome::Ended,
            Ok(length) => {
                upload.take(&free[..length]);
                self.since = now;
                if upload.missing() == 0 {
                    self.wait(now);
                }
                Outcome::Waiting
            }
            Err(error) => outcome_of(&error),
        }
    }

    fn send(&mut self, now: Instant) -> Outcome {
        let State::Writing { page, parts, started, keep_alive } = &mut self.state else {
            return Outcome::Waiting;
        };
        if let Some(rest) = parts.as_mut().filter(|_| page.unsent().is_empty()) {
            // Each part has a time of its own, or a large download could not be had at all.
            *started = now;
            self.since = now;
            if !page.put_part(rest) {
                *parts = None;
            } else if page.unsent().is_empty() {
                return Outcome::Waiting;
            }
        }
        match self.stream.write(page.unsent()) {
            Ok(0) if !page.unsent().is_empty() => return Outcome::Ended,
            Ok(length) => page.mark_sent(length),
            Err(error) => return outcome_of(&error),
        }
        self.since = now;
        if !page.unsent().is_empty() || parts.is_some() {
            return Outcome::Waiting;
        }
        let next = if *keep_alive {
            State::Reading { unexamined: self.received > 0 }
        } else {
            // If the client is gone already, reading will tell.
            let _ = self.stream.shutdown(Shutdown::Write);
            State::Lingering { discarded: 0 }
        };
        match std::mem::replace(&mut self.state, next) {
            State::Writing { page, .. } => Outcome::Answered(page),
            _ => Outcome::Waiting,
        }
    }

    fn discard(&mut self) -> Outcome {
        let State::Lingering { discarded } = &mut self.state else { return Outcome::Waiting };
        match self.stream.read(&mut self.head) {
            Ok(0) => Outcome::Ended,
            Ok(length) => {
                *discarded += length;
                if *discarded > WEB_LINGER_BYTES_MAX { Outcome::Ended } else { Outcome::Waiting }
            }
            Err(error) => outcome_of(&error),
        }
    }
}

fn outcome_of(error: &std::io::Error) -> Outcome {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Outcome::Waiting,
        _ => Outcome::Ended,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::limits::WEB_BODY_BYTES_MAX;

    /// A connection accepted at `now`, and its client.
    fn pair(now: Instant) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (stream, peer) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        (Connection::new(stream, peer.ip(), 1, Vec::new(), now), client)
    }

    /// Proceeds until something comes of it.
    fn settle(connection: &mut Connection, now: Instant) -> Outcome {
        let limit = Instant::now() + Duration::from_secs(10);
        while Instant::now() < limit {
            match connection.proceed(now) {
                Outcome::Waiting => std::thread::yield_now(),
                outcome => return outcome,
            }
        }
        panic!("nothing came of it");
    }

    /// Sends what can be sent; false once nothing can.
    fn is_moving(connection: &mut Connection, now: Instant) -> bool {
        let State::Writing { page, .. } = &connection.state else { return false };
        let before = page.unsent().len();
        connection.proceed(now);
        matches!(&connection.state, State::Writing { page, .. } if page.unsent().len() < before)
    }

    fn page(length: usize) -> Page {
        let mut page = Page::new();
        page.write_bytes(&vec![b'x'; length]).unwrap();
        page
    }

    #[test]
    fn a_head_has_its_time_however_slowly_it_arrives() {
        let start = Instant::now();
        let (mut connection, mut client) = pair(start);
        assert_eq!(connection.deadline(), start + WEB_HEAD_TIME);
        assert!(!connection.owes_rest());
        for second in 1..4 {
            client.write_all(b"G").unwrap();
            let now = start + Duration::from_secs(second);
            assert!(matches!(settle(&mut connection, now), Outcome::Received));
            assert_eq!(connection.deadline(), start + WEB_HEAD_TIME);
        }
        assert!(connection.owes_rest() && connection.received() == b"GGG");
    }

    #[test]
    fn between_requests_it_idles_and_the_next_head_has_its_own_time() {
        let start = Instant::now();
        let (mut connection, mut client) = pair(start);
        connection.answer(page(10), None, 0, true, start);
        let sent = start + Duration::from_secs(1);
        assert!(matches!(settle(&mut connection, sent), Outcome::Answered(_)));
        assert_eq!(connection.deadline(), sent + WEB_IDLE_TIME);
        client.write_all(b"GE").unwrap();
        let next = start + Duration::from_secs(9);
        assert!(matches!(settle(&mut connection, next), Outcome::Received));
        assert_eq!(connection.deadline(), next + WEB_HEAD_TIME);
    }

    #[test]
    fn a_pipelined_request_waits_its_turn() {
        let start = Instant::now();
        let (mut connection, mut client) = pair(start);
        client.write_all(b"firstsecond").unwrap();
        while connection.received() != b"firstsecond" {
            settle(&mut connection, start);
        }
        connection.answer(page(10), None, 5, true, start);
        assert_eq!(connection.received(), b"second");
        assert!(matches!(settle(&mut connection, start), Outcome::Answered(_)));
        assert!(connection.interest().1.contains(PollFlags::OUT));
        assert!(matches!(connection.proceed(start), Outcome::Received));
        assert!(!connection.interest().1.contains(PollFlags::OUT));
    }

    #[test]
    fn a_response_must_move_and_must_end() {
        let start = Instant::now();
        let (mut connection, mut client) = pair(start);
        // The buffers of both sockets swallow the first responses; fixed ones do not grow meanwhile.
        sockopt::set_socket_send_buffer_size(&connection.stream, 8192).unwrap();
        sockopt::set_socket_recv_buffer_size(&client, 8192).unwrap();
        while connection.writing_since().is_none() {
            connection.answer(page(WEB_BODY_BYTES_MAX), None, 0, true, start);
            while is_moving(&mut connection, start) {}
        }
        connection.answer(page(WEB_BODY_BYTES_MAX), None, 0, true, start);
        assert_eq!(connection.deadline(), start + WEB_STALL_TIME);
        // One read makes room for more of the response, and patience grows, but not for ever.
        let mut buffer = [0; 4096];
        let late = start + WEB_RESPONSE_TIME - Duration::from_secs(1);
        let limit = Instant::now() + Duration::from_secs(10);
        while connection.since != late && Instant::now() < limit {
            assert!(client.read(&mut buffer).unwrap() > 0);
            connection.proceed(late);
        }
        assert_eq!(connection.deadline(), start + WEB_RESPONSE_TIME);
        assert!(connection.into_parts().1.is_some());
    }

    #[test]
    fn it_lingers_until_the_client_closes_or_has_said_enough() {
        let start = Instant::now();
        for says_too_much in [false, true] {
            let (mut connection, client) = pair(start);
            connection.answer(page(10), None, 0, false, start);
            assert!(matches!(settle(&mut connection, start), Outcome::Answered(_)));
            assert!(connection.is_lingering() && connection.deadline() == start + WEB_LINGER_TIME);
            let talker = std::thread::spawn(move || {
                let mut client = client;
                while says_too_much && client.write_all(&[b'x'; 1024]).is_ok() {}
            });
            assert!(matches!(settle(&mut connection, start), Outcome::Ended));
            drop(connection);
            talker.join().unwrap();
        }
    }

    #[test]
    fn who_has_most_gives_up_the_least() {
        let start = Instant::now();
        let [later, now] = [1, 2].map(|seconds| start + Duration::from_secs(seconds));
        let (mut old, _client) = pair(start);
        let (mut new, _client) = pair(later);
        let (mut busy, _client) = pair(start);
        busy.answer(page(10), None, 0, true, start);
        let [mut first, mut second] = [start, later].map(|time| {
            let (mut connection, client) = pair(time);
            connection.wait(time);
            (connection, client)
        });
        let (mut lingering, _client) = pair(later);
        lingering.answer(page(10), None, 0, false, later);
        assert!(matches!(settle(&mut lingering, later), Outcome::Answered(_)));

        let rank = |connection: &mut Connection, share, now| {
            connection.set_share(share);
            connection.rank(now)
        };
        let ranks = [&mut lingering, &mut old, &mut new, &mut busy, &mut second.0, &mut first.0]
            .map(|connection| rank(connection, 2, now));
        assert!(ranks.is_sorted() && ranks.iter().all(Option::is_some), "{ranks:?}");
        assert!(rank(&mut busy, 3, now) < rank(&mut old, 2, now));
        assert!(rank(&mut lingering, 1, now) < rank(&mut busy, 3, now));
        // The only one of its address neither when it has just come nor when it waits for an answer.
        assert!(rank(&mut new, 1, now).is_some() && rank(&mut new, 1, later).is_none());
        assert!(rank(&mut first.0, 1, now).is_none() && rank(&mut second.0, 1, now).is_none());
        // Who stands back is behind the others, and still ahead of its own that came later.
        assert!(first.0.place() < second.0.place() && old.place().is_none());
        first.0.stand_back(now);
        assert!(second.0.place() < first.0.place());
        second.0.stand_back(now);
        assert!(first.0.place() < second.0.place());
    }

    #[test]
    fn who_waits_for_a_turn_to_come_does_not_stay() {
        let start = Instant::now();
        let [now, due] = [1, 2].map(|seconds| start + Duration::from_secs(seconds));
        let (mut login, _client) = pair(start);
        login.wait(start);
        assert!(login.rank(now).is_none(), "it is its turn");
        login.stand_back(due);
        assert!(login.rank(now).is_some(), "it is the turn of others, and it was seen before");
        assert!(login.rank(start).is_none(), "it has had no chance yet");
        assert!(login.rank(due).is_none(), "it is its turn again");
    }
}
