//! Reverse DNS: a thread asks the system's resolver, a bounded cache remembers the answers.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Name, validate};
use crate::daemon::threads;
use crate::limits::{
    RESOLVER_STACK_BYTES, REVERSE_CACHE_MAX, REVERSE_KNOWN_FOR, REVERSE_REQUESTS_MAX, REVERSE_UNKNOWN_FOR,
};
use crate::packet::Address;
use crate::view::NameFacts;

/// The way to the resolver thread, which runs until the program ends.
#[derive(Clone)]
pub(super) struct Reverse {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<Cache>,
    requested: Condvar,
}

impl Reverse {
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::new(Cache::new()), requested: Condvar::new() });
        let thread = Arc::clone(&shared);
        threads::spawn(
            "resolver",
            RESOLVER_STACK_BYTES,
            Box::new(move || {
                thread.resolve();
                Ok(())
            }),
        )?;
        Ok(Self { shared })
    }

    /// What the cache knows; asks for what it does not know.
    pub(super) fn lookup(&self, address: Address) -> Option<Name> {
        match self.shared.lock().get(address, Instant::now()) {
            Answer::Known(name) => name,
            Answer::Requested => {
                self.shared.requested.notify_one();
                None
            }
            Answer::Refused => None,
        }
    }

    pub(super) fn statistics(&self) -> NameFacts {
        let cache = self.shared.lock();
        NameFacts {
            known: cache.answers.len() as u64,
            capacity: REVERSE_CACHE_MAX as u64,
            lookups: cache.lookups,
            failures: cache.failures,
        }
    }
}

impl Shared {
    fn resolve(&self) {
        let mut cache = self.lock();
        loop {
            let Some(address) = cache.next_request() else {
                cache = self.requested.wait(cache).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(cache);
            let answer = dns_lookup::lookup_addr(&IpAddr::from(address)).ok();
            let name = answer.and_then(|name| validate(name.as_bytes()));
            cache = self.lock();
            cache.put(address, name, Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the cache says about an address.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Its name, or that it has none.
    Known(Option<Name>),
    /// Nothing yet; it has been, or was already, put on the list.
    Requested,
    /// Nothing, and the list is full. A later call tries again.
    Refused,
}

struct Entry {
    address: Address,
    name: Option<Name>,
    expires: Instant,
}

/// Answers with an end, and the list of addresses to ask for. An answer that is over is still given
/// until a new one is there.
struct Cache {
    /// Sorted by address: unlike a hash table it never grows while entries come and go.
    answers: Vec<Entry>,
    requests: VecDeque<Address>,
    in_flight: Option<Address>,
    /// Answers of the resolver so far, and how many of them were no name.
    lookups: u64,
    failures: u64,
}

impl Cache {
    fn new() -> Self {
        Self {
            answers: Vec::with_capacity(REVERSE_CACHE_MAX),
            requests: VecDeque::with_capacity(REVERSE_REQUESTS_MAX),
            in_flight: None,
            lookups: 0,
            failures: 0,
        }
    }

    fn get(&mut self, address: Address, now: Instant) -> Answer {
        let known = self.find(address).ok().and_then(|found| self.answers.get(found));
        if let Some(entry) = known.filter(|entry| now < entry.expires) {
            return Answer::Known(entry.name.clone());
        }
        let outdated = known.and_then(|entry| entry.name.clone());
        let requested = self.request(address);
        match outdated {
            Some(name) => Answer::Known(Some(name)),
            None if requested => Answer::Requested,
            None => Answer::Refused,
        }
    }

    fn request(&mut self, address: Address) -> bool {
        if self.in_flight == Some(address) || self.requests.contains(&address) {
            return true;
        }
        let has_room = self.requests.len() < REVERSE_REQUESTS_MAX;
        if has_room {
            self.requests.push_back(address);
        }
        has_room
    }

    fn next_request(&mut self) -> Option<Address> {
        self.in_flight = self.requests.pop_front();
        self.in_flight
    }

    /// A full cache gives up the answer that ends first.
    fn put(&mut self, address: Address, name: Option<Name>, now: Instant) {
        self.in_flight = None;
        self.lookups += 1;
        self.failures += u64::from(name.is_none());
        let lifetime = if name.is_some() { REVERSE_KNOWN_FOR } else { REVERSE_UNKNOWN_FOR };
        if let Ok(outdated) = self.find(address) {
            self.answers.remove(outdated);
        } else if self.answers.len() >= REVERSE_CACHE_MAX {
            let first = self.answers.iter().enumerate().min_by_key(|(_, entry)| entry.expires);
            if let Some((first, _)) = first {
                self.answers.remove(first);
            }
        }
        let (Ok(place) | Err(place)) = self.find(address);
        self.answers.insert(place, Entry { address, name, expires: now + lifetime });
    }

    fn find(&self, address: Address) -> Result<usize, usize> {
        self.answers.binary_search_by_key(&address, |entry| entry.address)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn name(text: &str) -> Option<Name> {
        validate(text.as_bytes())
    }

    #[test]
    fn an_address_is_asked_for_once() {
        let (mut cache, now, address) = (Cache::new(), Instant::now(), Address::v4(1));
        assert_eq!(cache.get(address, now), Answer::Requested);
        assert_eq!(cache.get(address, now), Answer::Requested);
        assert_eq!(cache.next_request(), Some(address));
        assert_eq!(cache.get(address, now), Answer::Requested, "while the resolver works on it");
        assert_eq!(cache.requests.len(), 0);
        cache.put(address, name("one"), now);
        assert_eq!(cache.get(address, now), Answer::Known(name("one")));
        assert_eq!(cache.next_request(), None);
    }

    #[test]
    fn answers_expire_and_old_names_bridge_the_gap() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        let (known, unknown) = (Address::v4(1), Address::v4(2));
        cache.put(known, name("one"), now);
        cache.put(unknown, None, now);
        let later = now + REVERSE_UNKNOWN_FOR;
        assert_eq!(cache.get(unknown, later - Duration::from_nanos(1)), Answer::Known(None));
        assert_eq!(cache.get(unknown, later), Answer::Requested);
        assert_eq!(cache.get(known, later), Answer::Known(name("one")));
        assert_eq!(cache.next_request(), Some(unknown));
        assert_eq!(cache.next_request(), None);
        assert_eq!(cache.get(known, now + REVERSE_KNOWN_FOR), Answer::Known(name("one")));
        assert_eq!(cache.next_request(), Some(known), "asked again");
        cache.put(known, None, now + REVERSE_KNOWN_FOR);
        assert_eq!(cache.get(known, now + REVERSE_KNOWN_FOR), Answer::Known(None));
    }

    #[test]
    fn the_cache_and_the_list_are_bounded() {
        let (mut cache, now) = (Cache::new(), Instant::now());
        let capacity = cache.answers.capacity();
        for n in 0..3 * REVERSE_CACHE_MAX as u32 {
            cache.put(Address::v4(n), name("x"), now + Duration::from_millis(u64::from(n)));
        }
        assert_eq!(cache.answers.len(), REVERSE_CACHE_MAX);
        assert_eq!(cache.answers.capacity(), capacity);
        assert!(cache.find(Address::v4(3 * REVERSE_CACHE_MAX as u32 - 1)).is_ok());
        assert!(cache.find(Address::v4(0)).is_err());
        for n in 0..REVERSE_REQUESTS_MAX as u32 {
            assert_eq!(cache.get(Address::v4(0x0a00_0000 + n), now), Answer::Requested);
        }
        assert_eq!(cache.get(Address::v4(0x0b00_0000), now), Answer::Refused);
    }

    #[test]
    fn the_thread_answers_from_the_systems_resolver() {
        let reverse = Reverse::start().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        // Every system's hosts file names this address; what it calls it is its own business.
        let loopback = Address::from(IpAddr::from([127, 0, 0, 1]));
        while reverse.shared.lock().find(loopback).is_err() {
            reverse.lookup(loopback);
            assert!(Instant::now() < deadline, "the resolver did not answer within 20 s");
            std::thread::yield_now();
        }
        assert_eq!(reverse.shared.lock().in_flight, None);
    }
}
