//! Those of the web server and of administration.

use core::time::Duration;

// Web.

/// Web: connections open at once, each with its own head buffer. A browser opens six; a household
/// with every device on the page still fits. Costs 48 x 2.2 KiB = 104 KiB.
pub const WEB_CONNECTIONS_MAX: usize = 48;

/// Web: connections of one address, so that one client cannot take all of them: two browsers' worth.
pub const WEB_CONNECTIONS_PER_ADDRESS_MAX: usize = 12;

/// Web: a request head, which is all that a request may have. A browser's is 400 to 900 bytes,
/// cookies of other programs on the same router included.
pub const WEB_HEAD_BYTES_MAX: usize = 2048;

/// Web: header lines in a request head. A browser sends about 15; 32 bytes each, on the stack.
pub const WEB_HEADERS_MAX: usize = 32;

/// Web: the body of a response. The largest page is a few hundred rows of about 300 bytes.
pub const WEB_BODY_BYTES_MAX: usize = 128 * 1024;

/// Web: the style sheet of `--css`, which is kept in memory. It fits a response.
pub const WEB_STYLE_BYTES_MAX: usize = 64 * 1024;
/// Web: a shorter body is sent as it is: compressed it would hardly need a packet less.
pub const WEB_GZIP_BYTES_MIN: usize = 1024;

/// Web: the head of a response, which holds nothing of foreign length and stays below 700 bytes.
pub const WEB_RESPONSE_HEAD_BYTES_MAX: usize = 1024;

/// Web: responses in memory: one being made, the others on their way to a client that reads slower
/// than the socket's buffer takes. Costs 4 x 129 KiB = 516 KiB, resident only once used.
pub const WEB_PAGES_MAX: usize = 4;

/// Web: downloads under way. Each has a page of its own beside those above: 2 x 17 KiB.
pub const WEB_DOWNLOADS_MAX: usize = 2;

/// Web: a part of a download, which is made when the one before it was sent. For each the times below hold.
pub const WEB_PART_BYTES: usize = 16 * 1024;

/// Web: how long a part of a download may take while another client wants the place: whoever reads less than some
/// 10 KB/s gives way.
pub const WEB_PART_TIME: Duration = Duration::from_secs(2);

/// Web: when to ask again for a download while others are under way.
pub const WEB_RETRY_SECONDS: u32 = 10;

/// Web: addresses to listen on. One for each interface that can be watched and loopback, and as many again
/// where an interface has several; each costs one descriptor.
pub const WEB_LISTENERS_MAX: usize = 16;

/// Web: an address that cannot be listened on yet is tried again after this long.
pub const WEB_LISTEN_PAUSE: Duration = Duration::from_secs(5);

/// Web: names under which the page may be asked for, besides addresses and localhost.
pub const WEB_HOST_NAMES_MAX: usize = 16;

/// Web: requests answered on one connection before it is closed, so that none lives for ever.
pub const WEB_REQUESTS_PER_CONNECTION_MAX: u32 = 1000;

/// Web: connections that the kernel queues for accept, per listener. A client that finds this queue full
/// tries again only after a second. The attacks of the tests open 3,500 a second, all of them together,
/// so the gate may be away for 70 ms.
pub const WEB_BACKLOG: i32 = 256;

/// Web: the kernel's send buffer of a connection in bytes (it doubles it): most pages fit whole.
pub const WEB_SEND_BUFFER_BYTES: usize = 32 * 1024;

/// Web: the kernel's receive buffer of a connection in bytes (it doubles it): two heads.
pub const WEB_RECEIVE_BUFFER_BYTES: usize = 4 * 1024;

/// Web: connections accepted from one listener before a page is made and the open ones get their turn.
/// To accept so many takes about as long as to make a page, in a build without optimisation.
pub const WEB_ACCEPTS_PER_TURN: usize = 128;

/// Web: bytes read and thrown away after the last response, so that closing does not reset the
/// connection before the client has read it (RFC 9112, section 9.6).
pub const WEB_LINGER_BYTES_MAX: usize = 64 * 1024;

/// Web: how long that goes on, and with it the time to read what is in the kernel's send buffer.
pub const WEB_LINGER_TIME: Duration = Duration::from_secs(4);

/// Web: time for a whole request head, from its first byte or from accept.
pub const WEB_HEAD_TIME: Duration = Duration::from_secs(5);

/// Web: time that a connection may idle between two requests. The page asks anew every few seconds.
pub const WEB_IDLE_TIME: Duration = Duration::from_secs(15);

/// Web: time in which a client must take at least one byte of its response.
pub const WEB_STALL_TIME: Duration = Duration::from_secs(4);

/// Web: how long a response may stay in memory though others wait for its page: several round trips
/// on Wi-Fi, and short enough that all addresses have had their turn within a second.
pub const WEB_PAGE_TIME: Duration = Duration::from_millis(50);

/// Web: time for a whole response: 6.5 KB/s for the largest.
pub const WEB_RESPONSE_TIME: Duration = Duration::from_secs(20);

/// Web: a form, in bytes. The longest are a password and a device's name, of which each byte may take three.
/// It comes into what the head of its request has left of the buffer: browsers' heads take half of it.
pub const WEB_FORM_BYTES_MAX: usize = 512;

/// Web: what is around a file in a form that uploads it, in bytes: a line, a name and where it ends, twice.
pub const WEB_UPLOAD_FRAME_BYTES: u64 = 2048;

/// Web: time for a whole upload: a megabyte at 9 KB/s. There is one at a time.
pub const WEB_UPLOAD_TIME: Duration = Duration::from_secs(120);

/// Web: pause after accept failed for want of descriptors or memory.
pub const WEB_ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Web: how long `--check-health` waits for the connection, and for each part of the response. It is the
/// time after which the program itself gives up a client.
pub const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

// Administration.

/// Bytes of a password at least; the check is slow, but a list of the usual ones is short.
pub const PASSWORD_BYTES_MIN: usize = 8;

/// Bytes of a password at most, so that it fits a form.
pub const PASSWORD_BYTES_MAX: usize = 128;

const _: () = assert!(3 * PASSWORD_BYTES_MAX + 64 < WEB_FORM_BYTES_MAX);

/// Bytes read of the password's file.
pub const PASSWORD_FILE_BYTES_MAX: u64 = 256;

/// Iterations of the password's hash, unless its line says otherwise: half a second on a MIPS 24Kc of 580 MHz
/// (docs/admin.md says how that was estimated).
pub const PASSWORD_ITERATIONS: u32 = 40_000;

/// The fewest that are taken: another program's line with fewer is hardly slower than none.
pub const PASSWORD_ITERATIONS_MIN: u32 = 1_000;

/// The most that are taken: on a small router a check must be over before its connection's time is.
pub const PASSWORD_ITERATIONS_MAX: u32 = 500_000;

/// Iterations in one turn of the web server's loop: about 6 ms on that router, less than a page takes.
pub const PASSWORD_SLICE: u32 = 512;

/// A check whose client has gone makes room for another after this long.
pub const PASSWORD_CHECK_IDLE: Duration = Duration::from_secs(1);

/// How long the answer to a wrong password is held back.
pub const LOGIN_DELAY: Duration = Duration::from_secs(1);

/// The time in which wrong passwords are counted, from the first.
pub const LOGIN_WINDOW: Duration = Duration::from_secs(60);

/// Wrong passwords of one address in that time, or of one IPv6 network of 64 bits.
pub const LOGIN_FAILURES_PER_ADDRESS_MAX: u32 = 5;

/// Wrong passwords of all addresses in that time.
pub const LOGIN_FAILURES_MAX: u32 = 20;

/// How many of them are kept for addresses that have given the right password: what one address may try. So
/// whoever guesses from several addresses does not lock out the owner.
pub const LOGIN_FAILURES_RESERVED: u32 = LOGIN_FAILURES_PER_ADDRESS_MAX;

/// How many such addresses are known, 17 bytes each: those of as many sessions. The latest take the places of others.
pub const LOGIN_ADDRESSES_MAX: usize = SESSIONS_MAX;

/// Sessions at once, about 400 bytes each. For one more, the one that was idle for longest ends.
pub const SESSIONS_MAX: usize = 8;

/// How long a session lasts without a request.
pub const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);

/// How long a session lasts at all.
pub const SESSION_AGE: Duration = Duration::from_secs(12 * 3600);

const _: () = assert!(WEB_CONNECTIONS_PER_ADDRESS_MAX < WEB_CONNECTIONS_MAX);

const _: () = assert!(WEB_PAGES_MAX >= 2);
