//! The gate: accepts, takes turns, and gives up whoever holds on to what others need.
//!
//! Whatever is scarce is shared out by address, so that a client with an address of its own gets its page
//! soon, whatever others do. Making a page takes longer than all else: each turn of the loop makes one at
//! most, and between two pages it accepts what has come meanwhile, so that the kernel's queue of new
//! connections does not run over. The addresses that wait for a page take turns. When all slots are
//! taken, the address with the most connections gives one up, and so it is with downloads.

use std::cmp::Reverse;
use std::io;
use std::net::{IpAddr, TcpStream};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::connection::{Connection, Outcome};
use super::request::{self, Form, Method, Parsed};
use super::upload::Upload;
use super::{Answer, Client, Handler, HostNames, Listeners, Page, Post, Refusal, Request, Takes};
use crate::limits::{
    WEB_ACCEPT_PAUSE, WEB_ACCEPTS_PER_TURN, WEB_CONNECTIONS_MAX, WEB_CONNECTIONS_PER_ADDRESS_MAX,
    WEB_DOWNLOADS_MAX, WEB_FORM_BYTES_MAX, WEB_HEAD_BYTES_MAX, WEB_LISTENERS_MAX, WEB_PAGE_TIME,
    WEB_PAGES_MAX, WEB_PART_TIME,
};

/// What the gate has let in and kept out since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Connections open now.
    pub open: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Requests answered by the handler.
    pub requests: u64,
    /// Connections closed to make room for others.
    pub evicted: u64,
    /// Connections closed because nothing was asked in time.
    pub idle: u64,
    /// Responses given up because the client did not take them in time.
    pub stalled: u64,
    /// Failures to accept, for want of descriptors or memory.
    pub accept_failures: u64,
    refused: [u64; Refusal::ALL.len()],
}

impl Statistics {
    /// Requests refused for that reason.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused[refusal as usize]
    }
}

/// The web server: its sockets, connections and pages, all of them allocated by `new` but for the connections'
/// buffers: most routers never need as many as there may be.
pub struct Gate {
    listeners: Listeners,
    names: HostNames,
    connections: Box<[Option<Connection>]>,
    /// Their buffers that are not in use. There are as many as there were connections at once.
    buffers: Vec<Vec<u8>>,
    /// The pages not in use.
    pages: Vec<Page>,
    /// Those for parts of downloads that are not in use.
    part_pages: Vec<Page>,
    statistics: Statistics,
    accept_after: Option<Instant>,
}

impl Gate {
    /// Takes the sockets of its addresses. `names` are the hosts that the page may be asked for by.
    pub fn new(listeners: Listeners, names: HostNames) -> Self {
        Self {
            listeners,
            names,
            connections: (0..WEB_CONNECTIONS_MAX).map(|_| None).collect(),
            buffers: Vec::with_capacity(WEB_CONNECTIONS_MAX),
            pages: (0..WEB_PAGES_MAX).map(|_| Page::new()).collect(),
            part_pages: (0..WEB_DOWNLOADS_MAX).map(|_| Page::for_parts()).collect(),
            statistics: Statistics::default(),
            accept_after: None,
        }
    }

    /// Serves until `stop` becomes readable. Fails, with a line for people, only if the system cannot
    /// wait for sockets any more.
    pub fn run(mut self, handler: &mut dyn Handler, stop: BorrowedFd<'_>) -> Result<(), String> {
        loop {
            let ready = self.wait(stop).map_err(|error| format!("the web server cannot wait: {error}"))?;
            if ready.stop {
                return Ok(());
            }
            let now = Instant::now();
            for index in 0..WEB_CONNECTIONS_MAX {
                if ready.connections[index] {
                    self.serve(index, now);
                }
            }
            self.expire(now);
            for index in 0..self.listeners.open().len() {
                if ready.listeners[index] {
                    self.accept(index, now);
                }
            }
            self.answer_next(now, handler);
            self.listeners.retry(now);
        }
    }

    /// Waits until something is ready or a deadline has passed.
    fn wait(&mut self, stop: BorrowedFd<'_>) -> Result<Ready, rustix::io::Errno> {
        self.statistics.open = self.connections.iter().flatten().count() as u64;
        let now = Instant::now();
        self.accept_after = self.accept_after.filter(|&time| time > now);
        let can_accept = self.accept_after.is_none() && self.room(now).is_some();
        let listening = if can_accept { PollFlags::IN } else { PollFlags::empty() };
        let mut sockets = heapless::Vec::<PollFd<'_>, { 1 + WEB_LISTENERS_MAX + WEB_CONNECTIONS_MAX }>::new();
        sockets.extend(std::iter::once(PollFd::from_borrowed_fd(stop, PollFlags::IN)));
        let listeners = self.listeners.open();
        sockets.extend(listeners.iter().map(|listener| PollFd::new(listener, listening)));
        sockets.extend(self.connections.iter().flatten().map(|connection| {
            let (stream, flags) = connection.interest();
            PollFd::new(stream, flags)
        }));
        let deadlines = self.connections.iter().flatten().map(Connection::deadline);
        let deadlines = deadlines.chain(self.accept_after).chain(self.next_page(now));
        let deadline = deadlines.chain(self.listeners.deadline(now)).min();
        // Deadlines are seconds away, which always converts; a failure would wake us at once.
        let timeout = deadline
            .map(|deadline| Timespec::try_from(deadline.saturating_duration_since(now)).unwrap_or_default());
        match poll(&mut sockets, timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error),
        }
        let mut events = sockets.iter().map(|socket| !socket.revents().is_empty());
        let mut ready = Ready { stop: events.next() == Some(true), ..Ready::default() };
        for (flag, event) in ready.listeners.iter_mut().zip(events.by_ref().take(listeners.len())) {
            *flag = event;
        }
        let open = ready.connections.iter_mut().zip(&self.connections).filter(|(_, slot)| slot.is_some());
        for ((flag, _), event) in open.zip(events) {
            *flag = event;
        }
        Ok(ready)
    }

    /// Gives one connection its turn: one read, which may complete a request, or one write.
    fn serve(&mut self, index: usize, now: Instant) {
        let Some(connection) = &mut self.connections[index] else { return };
        match connection.proceed(now) {
            Outcome::Waiting => {}
            Outcome::Answered(page) => self.put_back(page),
            Outcome::Ended => self.close(index),
            Outcome::Received => {
                let is_whole = match connection.wanted() {
                    0 => request::parse(connection.received()) != Parsed::Partial,
                    wanted => connection.received().len() >= wanted,
                };
                if is_whole {
                    connection.wait(now);
                }
            }
        }
    }

    /// Answers who is first in the queue, if there is a page for it. Then all addresses that wait come
    /// before the same one again.
    fn answer_next(&mut self, now: Instant, handler: &mut dyn Handler) {
        let Some((index, _)) = self.first_waiting().filter(|(_, place)| *place <= now) else { return };
        let Some(mut page) = self.take_page(now) else { return };
        if let Some(peer) = self.connections[index].as_ref().map(Connection::peer) {
            self.siblings(peer).for_each(|sibling| sibling.stand_back(now));
        }
        let Some(connection) = &mut self.connections[index] else { return self.pages.push(page) };
        page.clear();
        let (request, length) = match request::parse(connection.received()) {
            Parsed::Complete(request, length) => (request, length),
            Parsed::Refused(refusal) => return self.refuse(index, refusal, page, now),
            // It was whole when it joined the queue.
            Parsed::Partial => {
                self.pages.push(page);
                return self.close(index);
            }
        };
        if request.host.is_some_and(|host| !self.names.allows(host)) {
            return self.refuse(index, Refusal::Host, page, now);
        }
        if request.method == Method::Post {
            let step = step(connection, &request, length, handler, &mut page, now);
            return self.take_step(index, step, page, now);
        }
        if let Some(download) = handler.download(&request) {
            // Without chunks its end is the connection's.
            let keep_alive = request.keep_alive && request.takes_chunks && connection.may_continue();
            let (method, takes_chunks, peer) = (request.method, request.takes_chunks, connection.peer());
            let Some(mut part) = self.take_part(peer, now) else {
                return self.refuse(index, Refusal::Busy, page, now);
            };
            self.pages.push(page);
            let Some(connection) = &mut self.connections[index] else { return self.part_pages.push(part) };
            let parts = part.begin(download, method, takes_chunks, keep_alive);
            self.statistics.requests += 1;
            connection.answer(part, parts, length, keep_alive, now);
            return self.serve(index, now);
        }
        let response = handler.respond(&request, &self.statistics, &mut page);
        let keep_alive = request.keep_alive && connection.may_continue();
        page.complete(&response, &request, keep_alive);
        self.send(index, page, length, keep_alive, now);
    }

    /// Starts to send a page that was made for the first `length` bytes received.
    fn send(&mut self, index: usize, page: Page, length: usize, keep_alive: bool, now: Instant) {
        if page.has_overflowed() {
            return self.refuse(index, Refusal::ResponseTooLarge, page, now);
        }
        let Some(connection) = &mut self.connections[index] else { return self.pages.push(page) };
        self.statistics.requests += 1;
        connection.answer(page, None, length, keep_alive, now);
        self.serve(index, now);
    }

    /// Takes the next step of a POST.
    fn take_step(&mut self, index: usize, step: Step, page: Page, now: Instant) {
        let uploads = self.connections.iter().flatten().filter(|open| open.upload().is_some()).count();
        let Some(connection) = &mut self.connections[index] else { return self.pages.push(page) };
        match step {
            Step::Refuse(refusal) => return self.refuse(index, refusal, page, now),
            Step::Upload(_) if uploads > 0 => return self.refuse(index, Refusal::Busy, page, now),
            Step::Send(length, keep_alive) => return self.send(index, page, length, keep_alive, now),
            Step::AwaitForm(wanted) => connection.await_form(wanted, now),
            Step::Upload(file) => match Upload::create(&file.path, file.bytes, file.bytes_max) {
                Ok(upload) => connection.await_upload(upload, file.head_length, now),
                Err(_) => return self.refuse(index, Refusal::Storage, page, now),
            },
            Step::Later(time) => connection.stand_back(time),
        }
        self.pages.push(page);
    }

    /// Answers a connection with a refusal, which ends it.
    fn refuse(&mut self, index: usize, refusal: Refusal, mut page: Page, now: Instant) {
        self.statistics.refused[refusal as usize] += 1;
        let Some(connection) = &mut self.connections[index] else { return self.pages.push(page) };
        page.refuse(refusal, !connection.received().starts_with(b"HEAD "));
        connection.answer(page, None, connection.received().len(), false, now);
        self.serve(index, now);
    }

    /// A free page. If there is none, the response that has been in memory longest gives up its own,
    /// provided that it has had its time.
    fn take_page(&mut self, now: Instant) -> Option<Page> {
        if self.pages.is_empty() {
            let open = self.connections.iter().enumerate();
            let writing = open.filter_map(|(index, slot)| Some((slot.as_ref()?.page_since()?, index)));
            let (_, index) = writing.min().filter(|(since, _)| *since + WEB_PAGE_TIME <= now)?;
            self.statistics.evicted += 1;
            self.reset(index);
        }
        self.pages.pop()
    }

    /// A free page for the parts of a download of this address. If there is none, the address with the most
    /// downloads gives one up, the one whose present part takes longest, provided that it still has as many as
    /// this one then, or that the part has had its time.
    fn take_part(&mut self, peer: IpAddr, now: Instant) -> Option<Page> {
        if self.part_pages.is_empty() {
            let open = || self.connections.iter().flatten().filter(|open| open.part_since().is_some());
            let share = |peer| open().filter(|open| open.peer() == peer).count();
            let slots = self.connections.iter().enumerate();
            let downloads = slots.filter_map(|(index, slot)| {
                let connection = slot.as_ref()?;
                Some((Reverse(share(connection.peer())), connection.part_since()?, index))
            });
            let (.., index) = downloads.min().filter(|(Reverse(most), since, _)| {
                *most > share(peer) + 1 || *since + WEB_PART_TIME <= now
            })?;
            self.statistics.evicted += 1;
            self.reset(index);
        }
        self.part_pages.pop()
    }

    /// When somebody who waits for a page can get one at the latest.
    fn next_page(&self, now: Instant) -> Option<Instant> {
        let (_, place) = self.first_waiting()?;
        if !self.pages.is_empty() {
            return Some(place.max(now));
        }
        let open = self.connections.iter().flatten();
        open.filter_map(Connection::page_since).min().map(|since| (since + WEB_PAGE_TIME).max(place))
    }

    /// Who is answered next, and from when on.
    fn first_waiting(&self) -> Option<(usize, Instant)> {
        let open = self.connections.iter().enumerate();
        let queue = open.filter_map(|(index, slot)| Some((slot.as_ref()?.place()?, index)));
        queue.min().map(|((place, _), index)| (index, place))
    }

    /// Closes the connections whose time is up; one that owes the rest of a request is told.
    fn expire(&mut self, now: Instant) {
        for index in 0..WEB_CONNECTIONS_MAX {
            let Some(connection) = &self.connections[index] else { continue };
            if connection.deadline() > now {
                continue;
            }
            if connection.owes_rest()
                && let Some(page) = self.pages.pop()
            {
                self.refuse(index, Refusal::Timeout, page, now);
                continue;
            }
            if connection.writing_since().is_some() {
                self.statistics.stalled += 1;
            } else if !connection.is_lingering() {
                self.statistics.idle += 1;
            }
            self.reset(index);
        }
    }

    /// Accepts what waits at a listener, as far as there is room.
    fn accept(&mut self, listener: usize, now: Instant) {
        for _ in 0..WEB_ACCEPTS_PER_TURN {
            let Some(room) = self.room(now) else { return };
            match self.listeners.open()[listener].accept() {
                Ok((stream, peer)) => self.admit(stream, peer.ip(), room, now),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => {
                        // Out of descriptors or memory: one of ours goes, or the others must wait.
                        self.statistics.accept_failures += 1;
                        let Some(index) = self.most_dispensable(now, |_| true) else {
                            self.accept_after = Some(now + WEB_ACCEPT_PAUSE);
                            return;
                        };
                        self.evict(index);
                    }
                },
            }
        }
    }

    /// Gives a new connection the slot `room`, or one of its own address if it has enough of them, and
    /// its first turn, as its request is often there already.
    fn admit(&mut self, stream: TcpStream, peer: IpAddr, room: usize, now: Instant) {
        self.statistics.accepted += 1;
        let has_enough = self.siblings(peer).count() >= WEB_CONNECTIONS_PER_ADDRESS_MAX;
        let own = |connection: &Connection| connection.peer() == peer;
        let slot = if has_enough { self.most_dispensable(now, own) } else { Some(room) };
        match slot {
            Some(index) if stream.set_nonblocking(true).is_ok() => {
                self.evict(index);
                let number = self.statistics.accepted;
                let buffer = self.buffers.pop().unwrap_or_default();
                self.connections[index] = Some(Connection::new(stream, peer, number, buffer, now));
                self.share_out(peer);
                self.serve(index, now);
            }
            _ => self.statistics.evicted += 1,
        }
    }

    /// A slot for a new connection: a free one, or one whose connection can be spared.
    fn room(&self, now: Instant) -> Option<usize> {
        let free = self.connections.iter().position(Option::is_none);
        free.or_else(|| self.most_dispensable(now, |_| true))
    }

    /// The connections of an address.
    fn siblings(&mut self, peer: IpAddr) -> impl Iterator<Item = &mut Connection> {
        self.connections.iter_mut().flatten().filter(move |connection| connection.peer() == peer)
    }

    /// Tells the connections of an address how many they are.
    fn share_out(&mut self, peer: IpAddr) {
        let share = self.siblings(peer).count();
        self.siblings(peer).for_each(|connection| connection.set_share(share));
    }

    /// Closes the connection in a slot, if there is one, for the sake of others.
    fn evict(&mut self, index: usize) {
        let Some(connection) = &self.connections[index] else { return };
        self.statistics.evicted += 1;
        if connection.is_lingering() {
            // Its response is with the kernel, which goes on sending it for as long as its time-out says.
            self.close(index);
        } else {
            self.reset(index);
        }
    }

    /// The first by `Connection::rank` of those that `among` holds for.
    fn most_dispensable(&self, now: Instant, among: impl Fn(&Connection) -> bool) -> Option<usize> {
        let open =
            self.connections.iter().enumerate().filter_map(|(index, slot)| Some((slot.as_ref()?, index)));
        let candidates = open.filter(|(connection, _)| among(connection));
        let ranked = candidates.filter_map(|(connection, index)| Some((connection.rank(now)?, index)));
        ranked.min().map(|(_, index)| index)
    }

    /// Closes a connection whose client is not done with it.
    fn reset(&mut self, index: usize) {
        if let Some(connection) = &self.connections[index] {
            connection.reset();
        }
        self.close(index);
    }

    /// Closes a connection; its buffer is free again, and its page, if it holds one.
    fn close(&mut self, index: usize) {
        let Some(connection) = self.connections[index].take() else { return };
        self.share_out(connection.peer());
        let (buffer, page) = connection.into_parts();
        self.buffers.push(buffer);
        if let Some(page) = page {
            self.put_back(page);
        }
    }

    /// Puts a page that is not in use any more to its like.
    fn put_back(&mut self, page: Page) {
        if page.is_for_parts() { self.part_pages.push(page) } else { self.pages.push(page) }
    }
}

/// What comes next of a POST.
enum Step {
    /// It is refused.
    Refuse(Refusal),
    /// The rest of its form must come: so many bytes in all.
    AwaitForm(usize),
    /// Its file must come.
    Upload(File),
    /// Its answer is not ready before this time.
    Later(Instant),
    /// Its answer is ready, for so many bytes received, and whether the connection goes on.
    Send(usize, bool),
}

/// A file that is to come.
struct File {
    path: PathBuf,
    bytes: u64,
    bytes_max: u64,
    head_length: usize,
}

/// Finds out what comes next of a POST, whose head is the first `head` bytes received.
fn step(
    connection: &Connection,
    request: &Request<'_>,
    head: usize,
    handler: &mut dyn Handler,
    page: &mut Page,
    now: Instant,
) -> Step {
    let client = Client { address: connection.peer(), connection: connection.number(), now };
    let upload = connection.upload();
    let mut form = Form::default();
    let mut length = head;
    if upload.is_none() {
        let takes = handler.takes(request, now);
        let media_type = match takes {
            Takes::Nothing => return Step::Refuse(Refusal::Method),
            Takes::Refused(refusal) => return Step::Refuse(refusal),
            Takes::Form => "application/x-www-form-urlencoded",
            Takes::File(..) => "multipart/form-data",
        };
        let given = request.media_type.split(';').next().unwrap_or_default().trim_ascii();
        if !given.eq_ignore_ascii_case(media_type) {
            return Step::Refuse(Refusal::MediaType);
        }
        let Some(bytes) = request.body_length else { return Step::Refuse(Refusal::Length) };
        if let Takes::File(path, bytes_max) = takes {
            return Step::Upload(File { path, bytes, bytes_max, head_length: head });
        }
        length = head.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        if bytes > WEB_FORM_BYTES_MAX as u64 || length > WEB_HEAD_BYTES_MAX {
            return Step::Refuse(Refusal::Body);
        }
        let Some(body) = connection.received().get(head..length) else { return Step::AwaitForm(length) };
        let Some(decoded) = Form::of(body) else { return Step::Refuse(Refusal::Malformed) };
        form = decoded;
    }
    let response = match handler.act(&Post { request, client, form, upload }, page) {
        Answer::Ready(response) => response,
        Answer::Later(time) => return Step::Later(time),
        Answer::Refused(refusal) => return Step::Refuse(refusal),
    };
    let keep_alive = request.keep_alive && connection.may_continue() && upload.is_none();
    page.complete(&response, request, keep_alive);
    Step::Send(length, keep_alive)
}

/// What `poll` found ready.
struct Ready {
    stop: bool,
    listeners: [bool; WEB_LISTENERS_MAX],
    connections: [bool; WEB_CONNECTIONS_MAX],
}

impl Default for Ready {
    fn default() -> Self {
        Self { stop: false, listeners: [false; WEB_LISTENERS_MAX], connections: [false; WEB_CONNECTIONS_MAX] }
    }
}

#[cfg(test)]
mod tests;
