//! Seeded traffic for tests.
