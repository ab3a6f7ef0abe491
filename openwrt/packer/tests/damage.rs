//! The readers notice damage, and survive whatever they are given.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder};
use flate2::write::GzEncoder;
use packer::{Package, apk, ipk};

mod support;
use support::{Chance, luci_package, small_package};

/// An .apk as it is before it is compressed, which readers take as well.
fn plain_apk(package: &Package) -> Vec<u8> {
    let packed = apk::write(package).expect("it is written");
    assert_eq!(&packed[..4], b"ADBd");
    let mut plain = Vec::new();
    DeflateDecoder::new(&packed[4..]).read_to_end(&mut plain).expect("it is whole");
    plain
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory is enough");
    encoder.finish().expect("memory is enough")
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).expect("it is whole");
    plain
}

#[test]
fn every_changed_byte_of_an_apk_is_noticed() {
    let plain = plain_apk(&small_package());
    assert!(apk::read(&plain).is_ok());
    let mut chance = Chance::new(2);
    for index in 0..plain.len() {
        let mut changed = plain.clone();
        changed[index] ^= 1 + chance.below(255) as u8;
        assert!(packer::read(&changed).is_err(), "byte {index} of {} is not checked", plain.len());
    }
}

/// Compressed, a bit may stand for nothing. Then the package is still the same.
#[test]
fn every_changed_byte_of_a_packed_file_is_noticed_or_harmless() {
    let mut chance = Chance::new(3);
    for packed in [apk::write(&small_package()), ipk::write(&small_package())] {
        let packed = packed.expect("it is written");
        let contents = packer::read(&packed).expect("it is whole");
        let mut noticed = 0;
        for index in 0..packed.len() {
            let mut changed = packed.clone();
            changed[index] ^= 1 << chance.below(8);
            match packer::read(&changed) {
                Ok(read) => assert_eq!(read, contents, "byte {index} changed what is read"),
                Err(_) => noticed += 1,
            }
        }
        assert!(noticed > packed.len() * 9 / 10, "{noticed} of {} bytes", packed.len());
    }
}

#[test]
fn a_file_that_is_cut_off_is_noticed() {
    let plain = plain_apk(&small_package());
    let packed = apk::write(&small_package()).expect("it is written");
    let opkg = ipk::write(&small_package()).expect("it is written");
    for whole in [&plain, &packed, &opkg] {
        for length in 0..whole.len() {
            assert!(packer::read(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        assert!(packer::read(&[whole.as_slice(), &[0; 8]].concat()).is_err(), "more than there should be");
    }
}

/// Changes a few bytes to what is likely to hurt, and sometimes moves the rest.
fn damage(bytes: &mut Vec<u8>, chance: &mut Chance) {
    const WORDS: [[u8; 4]; 6] =
        [[0; 4], [0xff; 4], [0xff, 0xff, 0xff, 0x0f], [1, 0, 0, 0], [0, 0, 0, 0xd0], [8, 0, 0, 0xe0]];
    for _ in 0..=chance.below(4) {
        let place = chance.below(bytes.len());
        match chance.below(6) {
            0 => bytes[place] = chance.next() as u8,
            1 => bytes[place] ^= 1 << chance.below(8),
            2 => {
                let word = WORDS[chance.below(WORDS.len())];
                let end = bytes.len().min(place + 4);
                bytes[place..end].copy_from_slice(&word[..end - place]);
            }
            3 => {
                let from = chance.below(bytes.len());
                let length = chance.below(16).min(bytes.len() - place).min(bytes.len() - from);
                bytes.copy_within(from..from + length, place);
            }
            4 => bytes.truncate(place.max(1)),
            _ => bytes.insert(place, chance.next() as u8),
        }
    }
}

#[test]
fn nothing_makes_a_reader_panic() {
    let apks = [small_package(), luci_package()].map(|package| plain_apk(&package));
    let ipks = [small_package(), luci_package()]
        .map(|package| gunzip(&ipk::write(&package).expect("it is written")));
    for seed in 0..20 {
        // Shown only if the test fails.
        println!("seed {seed}");
        let mut chance = Chance::new(seed);
        for round in 0..500 {
            let mut file = apks[round % 2].clone();
            damage(&mut file, &mut chance);
            let _ = apk::read(&file);
            // Its head stays, so that what follows is looked at.
            let length = chance.below(200);
            file.truncate(12);
            file.extend((0..length).map(|_| chance.next() as u8));
            let _ = apk::read(&file);
        }
        for round in 0..50 {
            let mut file = ipks[round % 2].clone();
            damage(&mut file, &mut chance);
            let _ = ipk::read(&gzip(&file));
            let _ = packer::read(&file);
        }
    }
}

/// Damage inside the inner archives of an .ipk, with checksums that fit.
#[test]
fn nothing_in_an_inner_archive_makes_a_reader_panic() {
    let whole = gunzip(&ipk::write(&small_package()).expect("it is written"));
    let mut members = Vec::new();
    for entry in tar::Archive::new(whole.as_slice()).entries().expect("a tar") {
        let mut content = Vec::new();
        entry.expect("an entry").read_to_end(&mut content).expect("it is whole");
        members.push(content);
    }
    for seed in 0..20 {
        println!("seed {seed}");
        let mut chance = Chance::new(seed);
        for round in 0..50 {
            let mut inner = gunzip(&members[1 + round % 2]);
            damage(&mut inner, &mut chance);
            let mut builder = tar::Builder::new(Vec::new());
            for (index, name) in ["debian-binary", "data.tar.gz", "control.tar.gz"].iter().enumerate() {
                let content = if index == 1 + round % 2 { gzip(&inner) } else { members[index].clone() };
                let mut header = tar::Header::new_gnu();
                let name = format!("./{name}");
                header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_size(content.len() as u64);
                header.set_mode(0o644);
                header.set_uid(0);
                header.set_gid(0);
                header.set_mtime(0);
                header.set_cksum();
                builder.append(&header, content.as_slice()).expect("memory is enough");
            }
            let _ = ipk::read(&gzip(&builder.into_inner().expect("memory is enough")));
        }
    }
}
